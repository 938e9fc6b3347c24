import { SetMetadata } from '@nestjs/common';
import { resourceName } from './checks.js';

export const FENCED_RESOURCE_METADATA = 'nestjs-leader:fenced-resource';

/** A name, or how to read one off the request, where a route serves many. */
export type FencedResourceName =
  string | ((request: never) => string | number | bigint | Promise<string | number | bigint>);

/**
 * Names what a handler or a controller writes to, as far as `FencingGuard` is concerned. Without it, the controller is
 * one resource. Tokens of different leases cannot be compared: never let two elections write to one resource.
 *
 * Read it off the request as the handler does: `5` and `05` are two names, and one row where the handler takes a number.
 *
 * @throws UnfenceableError for what is no name
 */
export const FencedResource = (resource: FencedResourceName): MethodDecorator & ClassDecorator => {
  // Where a variable was empty, say, the controller would be one resource without a word.
  const name = typeof resource === 'function' ? resource : resourceName(resource);
  return SetMetadata(FENCED_RESOURCE_METADATA, name);
};
