// Builds the console's page into its package: a step of `npm run build`.
import { ensurePage } from '@intendant/console/page-build';

await ensurePage();
