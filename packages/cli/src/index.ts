/** The `skein` command, as a function. */
export { main } from './program.ts'
