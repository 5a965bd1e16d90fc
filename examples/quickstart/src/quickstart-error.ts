/** A problem that the user of the quickstart can solve. */
export class QuickstartError extends Error {
  override readonly name = 'QuickstartError';
}
