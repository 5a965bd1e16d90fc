// Imported before a program (and in the processes that it forks): the packages, and zod with them, come from the bundle.
import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const FILES = {
  zod: 'zod.js',
  '@intendant/core': 'core.js',
  '@intendant/realization': 'realization.js',
  '@intendant/subscription': 'subscription.js',
};

const folder = process.env.INTENDANT_BUNDLE;

registerHooks({
  resolve(specifier, context, next) {
    if (folder === undefined || !Object.hasOwn(FILES, specifier)) return next(specifier, context);
    const { href } = pathToFileURL(join(folder, 'js', 'bundle', FILES[specifier]));
    return { url: href, format: 'module', shortCircuit: true };
  },
});
