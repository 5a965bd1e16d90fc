import { checkOptions } from '../option/check-options.ts';
import type { MetadataContext } from './metadata-authorizer.ts';

/** Names of the headers, or gRPC metadata keys, that contain the context. */
export interface MetadataNames {
  /** Default `orgid`. */
  readonly orgId?: string;
  /** Default `roles`. May be sent several times, or once with a comma-separated value. */
  readonly roles?: string;
  /** Default `instanceid`. */
  readonly instanceId?: string;
}

/** fetch `Headers`, or Node's and Fastify's plain object. */
export type RequestHeaders = Headers | HeaderRecord;

type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>;

/** As in `@grpc/grpc-js`. */
interface GrpcMetadata {
  getMap?: unknown;
  get(name: string): readonly (string | Uint8Array)[];
}

/**
 * Reads the context from a request's headers (fetch `Headers`, or Node's and Fastify's plain object). Use it only behind a
 * proxy that authenticates callers and removes these headers from their requests.
 */
export function contextFromHeaders(headers: RequestHeaders, names: MetadataNames = {}): MetadataContext {
  const read = headerReader(headers);
  return contextFrom((name) => {
    const value = read(name);
    return value === undefined ? [] : [value].flat();
  }, names);
}

/** Reads the context from gRPC metadata (`@grpc/grpc-js`). Use it only behind a proxy as for `contextFromHeaders`. */
export function contextFromGrpcMetadata(metadata: GrpcMetadata, names: MetadataNames = {}): MetadataContext {
  return contextFrom((name) => metadata.get(name).map(String), names);
}

/** Looks a header up, ignoring case. */
export function headerReader(headers: RequestHeaders): (name: string) => string | readonly string[] | undefined {
  if (headers instanceof Headers) return (name) => headers.get(name) ?? undefined;
  const byName = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return (name) => byName.get(name.toLowerCase());
}

function contextFrom(read: (name: string) => readonly string[], names: MetadataNames): MetadataContext {
  checkOptions('names of the context', names, { orgId: true, roles: true, instanceId: true });
  const roles = read(names.roles ?? 'roles')
    .flatMap((value) => value.split(','))
    .map((role) => role.trim());
  return {
    orgId: single(read(names.orgId ?? 'orgid')),
    roles: roles.filter((role) => role !== ''),
    instanceId: single(read(names.instanceId ?? 'instanceid')),
  };
}

/** Returns the value of a header. Several different values in one request are ambiguous, and count as none. */
const single = (values: readonly string[]): string | undefined => (values.length === 1 ? values[0] : undefined);
