export { type SignInLinkOptions, SignInLinks } from './caller/sign-in-links.ts';
export type { ConsoleLimits, ConsoleOptions, MetricsSource, TokenAuthorizer } from './console-options.ts';
export { createConsole } from './create-console.ts';
