import { feedCases } from './testing/feed-cases.ts';

await feedCases('triggers');
