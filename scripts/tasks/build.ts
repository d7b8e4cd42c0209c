/** `npm run build`: JavaScript and types of every package into its `dist/`, in the order of the project references; `npx skein` works afterwards. */
import { chmodSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { findPackages } from '../checks/packages.ts'
import { runTool } from '../child-process.ts'
import { readTree, root } from '../tree.ts'

const { code } = await runTool('typescript', 'tsc', ['-b', ...process.argv.slice(2)])

if (code === 0) {
  // npm links commands when it installs, which is before they are built
  for (const { folder, manifest } of findPackages(readTree())) {
    for (const file of Object.values(manifest.bin ?? {}).map(file => join(root, folder, file)).filter(existsSync)) {
      chmodSync(file, 0o755)
    }
  }
}
process.exitCode = code
