/** `npm start`: a whole mesh on this machine, `skein up` with the arguments passed on. */
import { fileURLToPath, pathToFileURL } from 'node:url'

const bin = fileURLToPath(new URL('../../packages/cli/src/bin/skein.ts', import.meta.url))

process.argv = [process.execPath, bin, 'up', ...process.argv.slice(2)]
await import(pathToFileURL(bin).href)
