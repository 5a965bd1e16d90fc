import { get } from './client.ts';
import type { Activity, Point, ResourcePage, Summary, Tenant } from './model.ts';

/** The queries of the views, by key. A view and its prefetch use the same query. */

export const summaryQuery = () => ({
  queryKey: ['summary'],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<Summary>('summary', signal),
});

export const activityQuery = () => ({
  queryKey: ['activity'],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<{ activity: Activity[] }>('activity', signal),
  refetchInterval: ACTIVITY_MS,
});

const ACTIVITY_MS = 10_000;

export const pointsQuery = () => ({
  queryKey: ['points'],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<{ points: Point[] }>('points', signal),
});

export const tenantsQuery = () => ({
  queryKey: ['tenants'],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<{ tenants: Tenant[] }>('tenants', signal),
});

export const resourcesQuery = (table: string, request: string) => ({
  queryKey: ['resources', table, request],
  queryFn: ({ signal }: { signal: AbortSignal }) => get<ResourcePage>(request, signal),
});
