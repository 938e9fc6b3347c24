export default {
  // Nest needs the types of constructor parameters.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: { globals: true, include: ['unit/*.spec.ts'] },
};
