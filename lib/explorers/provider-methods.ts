import { Inject, Injectable } from '@nestjs/common';
import { DiscoveryService, MetadataScanner } from '@nestjs/core';

export interface ProviderMethod {
  /** `Class.method`, for messages. */
  readonly label: string;
  readonly name: string;
  readonly method: object;
  /** Those that exist outside requests; none for request-scoped providers. */
  readonly instances: readonly object[];
  readonly isStatic: boolean;
  /** By `useFactory` or `useValue`: Nest did not construct the instances, so it injected nothing into them. */
  readonly isGiven: boolean;
}

/** The decorated methods of all providers and controllers of the application. */
@Injectable()
export class ProviderMethods {
  constructor(
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
    @Inject(MetadataScanner) private readonly scanner: MetadataScanner,
  ) {}

  /** The instances that exist outside requests. */
  *instances(): Generator<object> {
    for (const { isAlias, instance } of this.discovery.getProviders())
      if (!isAlias && isObject(instance)) yield instance;
  }

  *withMetadata(key: string): Generator<ProviderMethod> {
    const seen = new Set<object>();
    for (const wrapper of [...this.discovery.getProviders(), ...this.discovery.getControllers()]) {
      if (wrapper.isAlias) continue;
      const isStatic = wrapper.isDependencyTreeStatic() && !wrapper.isTransient;
      const found: unknown[] = wrapper.isTransient
        ? wrapper.getStaticTransientInstances().map((host) => host?.instance)
        : [wrapper.instance];
      const instances = found.filter((instance): instance is object => isObject(instance) && !seen.has(instance));
      for (const instance of instances) seen.add(instance);
      // A request-scoped wrapper holds a bare prototype, which is enough to see what is decorated.
      const prototype = prototypeOf(wrapper.metatype, instances[0]);
      for (const name of prototype === undefined ? [] : this.scanner.getAllMethodNames(prototype)) {
        const method = (prototype as Record<string, object>)[name]!;
        if (!Reflect.hasMetadata(key, method)) continue;
        const label = `${prototype!.constructor.name}.${name}`;
        const reachable = wrapper.isDependencyTreeStatic() ? instances : [];
        yield { label, name, method, isStatic, instances: reachable, isGiven: wrapper.isNotMetatype };
      }
    }
  }
}

/** Of the instance, since a factory's function has no prototype that says what it returns; else of the class. */
function prototypeOf(metatype: unknown, instance: object | undefined): object | undefined {
  if (instance !== undefined) return Object.getPrototypeOf(instance) as object | undefined;
  return typeof metatype === 'function' ? (metatype.prototype as object | undefined) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
