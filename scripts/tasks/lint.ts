/** `npm run lint`: oxlint with the rules of `.oxlintrc.json`; a warning is an error. */
import { runTool } from '../child-process.ts'

process.exitCode = (await runTool('oxlint', 'oxlint', ['--deny-warnings', ...process.argv.slice(2)])).code
