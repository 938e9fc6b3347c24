import { printFigures, printMachine } from '../figures.js';
import { callFigures } from './calls.js';
import { importFigures } from './imports.js';

/** `npm run bench:hot`: what the library adds to a call and to a start. */
printMachine();
const figures = [...(await callFigures()), ...importFigures()];
process.exitCode = printFigures(figures) === 0 ? 0 : 1;
