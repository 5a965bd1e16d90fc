// Imported before a command and in the processes that it forks: imports of this repository's files by relative path are
// resolved without looking at the disk. Node would look for every file and for the folders above it. Without that, a
// service, which has 400 of these files, loads in four fifths of the time.
import { registerHooks } from 'node:module';

registerHooks({
  resolve: (specifier, context, resolveByNode) =>
    specifier.startsWith('.') && specifier.endsWith('.ts')
      ? { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true }
      : resolveByNode(specifier, context),
});
