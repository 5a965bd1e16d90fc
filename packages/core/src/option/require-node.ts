// Imported first by the entries of the package, so that a Node.js that is too old is named before it lacks something else.
import { requireNode } from './required-versions.ts';

requireNode();
