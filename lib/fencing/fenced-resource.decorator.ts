import { SetMetadata } from '@nestjs/common';

export const FENCED_RESOURCE_METADATA = 'nestjs-leader:fenced-resource';

/** A name, or how to read one off the request, where a route serves many. */
export type FencedResourceName = string | ((request: never) => string);

/**
 * Names what a handler or a controller writes to, as far as `FencingGuard` is concerned. Without it, the controller is
 * one resource. Tokens of different leases cannot be compared: never let two elections write to one resource.
 */
export const FencedResource = (resource: FencedResourceName): MethodDecorator & ClassDecorator =>
  SetMetadata(FENCED_RESOURCE_METADATA, resource);
