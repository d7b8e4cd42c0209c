import { Command } from 'commander'
import { expect } from 'chai'
import { fleetOptions } from '../src/options/fleet.ts'

function leaves (command: Command, path: string[] = []): Array<{ name: string, command: Command }> {
  return command.commands.length === 0
    ? [{ name: path.join(' '), command }]
    : command.commands.flatMap(child => leaves(child, [...path, child.name()]))
}

function helpOf (command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: more => { text += more } }).outputHelp()
  return text
}

describe('The help of skein fleet', () => {
  const fleet = new Command('fleet')
  fleetOptions(fleet, action => async () => { await action })

  it('is there for each command', () => {
    expect(leaves(fleet).map(({ name }) => name)).to.include.members([
      'serve', 'key', 'connect', 'play', 'sessions', 'slots', 'nodes', 'move', 'node serve', 'node add', 'node drain', 'node resume', 'node remove'
    ])
    expect(helpOf(fleet)).to.contain('Examples:')
  })

  for (const { name, command } of leaves(fleet)) {
    it(`has examples of ${name}, and --json`, () => {
      const help = helpOf(command)
      const [, examples] = help.split('Examples:')
      expect(examples, help).to.contain(`skein fleet ${name}`)
      expect(help).to.contain('--json')
      expect(command.description()).not.to.equal('')
    })
  }
})
