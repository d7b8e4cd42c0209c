import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { runNode } from '../child-process.ts'
import { installPlan, SYSTEM_PACKAGES } from '../system-packages.ts'
import type { Machine } from '../system-packages.ts'

const SOURCE = new URL('../system-packages.ts', import.meta.url).href

describe('packages of the system that tests need', () => {
  const machine = (changes: Partial<Machine>): Machine => ({ missing: SYSTEM_PACKAGES, hasApt: true, isRoot: true, canSudo: false, ...changes })
  const cases: Array<[string, Partial<Machine>, object]> = [
    ['nothing when all are there', { missing: [] }, { type: 'nothing' }],
    ['installed by root', {}, { type: 'install', command: 'sh' }],
    ['installed with sudo', { isRoot: false, canSudo: true }, { type: 'install', command: 'sudo' }],
    ['impossible for others', { isRoot: false }, { type: 'impossible' }],
    ['impossible without apt-get', { hasApt: false }, { type: 'impossible' }]
  ]
  for (const [name, changes, expected] of cases) {
    it(`are ${name}`, () => {
      expect(installPlan(machine(changes))).to.include(expected)
    })
  }

  describe('where they are missing', function () {
    this.timeout(60_000)
    let folder: string
    let policy: string

    /** A machine of which only this folder is in PATH. */
    async function ensure (aptGet?: string): Promise<string> {
      mkdirSync(join(folder, 'bin'))
      const program = (name: string, text: string): void => {
        writeFileSync(join(folder, 'bin', name), `#!/bin/sh\n${text}\n`)
        chmodSync(join(folder, 'bin', name), 0o755)
      }
      for (const name of ['sh', 'chmod', 'rm', 'touch']) {
        program(name, `exec /bin/${name} "$@"`)
      }
      program('sudo', 'shift; [ "$1" = true ] && exit 0; exec "$@"')
      if (aptGet !== undefined) {
        program('apt-get', `echo "$@" >> ${folder}/calls\n${aptGet}`)
      }
      const script = `import { ensureSystemPackages } from '${SOURCE}'\nconsole.log(JSON.stringify({ message: await ensureSystemPackages({ packages: ['seed'], policyFile: '${policy}' }) }))`
      const { output } = await runNode(['--conditions=skein-source', '--input-type=module', '--eval', script], { capture: true, env: { PATH: join(folder, 'bin') } })
      const line = output.split('\n').find(text => text.startsWith('{'))
      return line === undefined ? `no answer: ${output}` : String(JSON.parse(line).message)
    }

    const calls = (): string[] => readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'skein-system-'))
      policy = join(folder, 'policy-rc.d')
    })
    afterEach(() => { rmSync(folder, { recursive: true }) })

    it('are installed without recommended ones, while no service may start', async () => {
      expect(await ensure(`[ "$(${policy}; echo $?)" = 101 ] && touch ${folder}/bin/redis-server && chmod 755 ${folder}/bin/redis-server`)).to.equal('undefined')
      expect(calls()).to.deep.equal(['-o DPkg::Lock::Timeout=120 install -y --no-install-recommends redis-server'])
      expect(existsSync(policy)).to.equal(false)
    })

    it('leave a policy as it was that is there already', async () => {
      writeFileSync(policy, '#!/bin/sh\nexit 104\n')
      await ensure(`touch ${folder}/bin/redis-server && chmod 755 ${folder}/bin/redis-server`)
      expect(readFileSync(policy, 'utf8')).to.include('104')
    })

    it('are tried again with fresh lists, and told of when that fails too', async () => {
      expect(await ensure('echo "E: no such package"; exit 100')).to.include('redis-server could not be installed').and.include('E: no such package')
      expect(calls().map(call => call.split(' ')[2])).to.deep.equal(['install', 'update'])
      expect(existsSync(policy)).to.equal(false)
    })

    it('are told of where there is no apt-get', async () => {
      expect(await ensure()).to.include('redis-server cannot be installed here: there is no apt-get')
    })
  })
})
