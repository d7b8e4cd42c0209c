/** `npm run build`: JavaScript and types of every package into its `dist/`, in the order of the project references. */
import { runTool } from '../child-process.ts'

process.exitCode = (await runTool('typescript', 'tsc', ['-b', ...process.argv.slice(2)])).code
