import { QueryClient } from '@tanstack/preact-query';
import { ApiProblem } from './client.ts';

const isWorthAnother = (failures: number, error: Error): boolean =>
  failures < 30 && error instanceof ApiProblem && (error.status === 0 || error.status === 503 || error.status === 429);

/** Live changes keep the data current, so data never becomes stale by age. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      networkMode: 'always',
      retry: isWorthAnother,
      retryDelay: (failures) => Math.min(5_000, 500 * 2 ** failures),
    },
    mutations: { networkMode: 'always' },
  },
});
