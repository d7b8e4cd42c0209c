/** `npm run skein -- COMMAND …`: the `skein` command from the sources. */
import { fileURLToPath, pathToFileURL } from 'node:url'

const bin = fileURLToPath(new URL('../../packages/cli/src/bin/skein.ts', import.meta.url))

process.argv = [process.execPath, bin, ...process.argv.slice(2)]
await import(pathToFileURL(bin).href)
