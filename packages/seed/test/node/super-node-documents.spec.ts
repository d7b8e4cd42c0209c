import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { SUPER_NODE_STATES, SUPER_NODE_TABLE } from '../../src/node/index.ts'
import { flagIn } from '../../src/config/option-table.ts'
import { section } from './document-tables.ts'
import { GUIDE, metricsTable, optionsTable } from './super-node-tables.ts'

describe('the guide for volunteers', () => {
  const guide = readFileSync(GUIDE, 'utf8')

  it('has the table of options as it is', () => {
    expect(section(guide, 'options')).to.equal(optionsTable())
  })

  it('has the table of metrics as they are', async () => {
    expect(section(guide, 'metrics')).to.equal(await metricsTable())
  })

  it('speaks of no flag, variable or metric that there is not', async () => {
    const flags = [...Object.keys(SUPER_NODE_TABLE.options).map(name => flagIn(SUPER_NODE_TABLE, name)), 'config', 'print-config', 'json']
    expect([...guide.matchAll(/--([a-z][a-z-]+)/g)].map(([, name]) => name as string).filter(name => !flags.includes(name))).to.deep.equal([])
    const known = `${optionsTable()} SKEIN_SUPERNODE_CONFIG ${await metricsTable()}`
    expect([...guide.matchAll(/SKEIN_SUPERNODE_[A-Z_]+|skein_supernode_\w+/g)].map(([name]) => name).filter(name => !known.includes(name))).to.deep.equal([])
  })

  it('tells of every state that takes or keeps clients', () => {
    for (const state of SUPER_NODE_STATES.filter(name => name !== 'drained')) {
      expect(guide).to.match(new RegExp(`^\\| ${state}`, 'm'))
    }
  })
})
