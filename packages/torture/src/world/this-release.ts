import { fileURLToPath } from 'node:url';

/** The repository's folder of the release under test. */
export const THIS_RELEASE = fileURLToPath(new URL('../../../..', import.meta.url));
