import { QueryClientProvider } from '@tanstack/preact-query';
import { render } from 'preact';
import { queryClient } from './api/query-client.ts';
import { App } from './app.tsx';
import { applyTheme } from './ui/theme.ts';
import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/frame.css';
import './style/table.css';
import './style/parts.css';

applyTheme();
render(
  <QueryClientProvider client={queryClient}>
    <App />
  </QueryClientProvider>,
  document.getElementById('app') as HTMLElement,
);
