import { Command } from 'commander'
import { expect } from 'chai'
import { COMMANDS } from '../src/program.ts'

function helpOf (command: Command): string {
  let text = ''
  command.configureOutput({ writeOut: more => { text += more } }).outputHelp()
  return text
}

describe('The help of skein', () => {
  for (const [name, { summary, options }] of Object.entries(COMMANDS)) {
    it(`has examples of ${name}, and does not say twice what it is for`, async () => {
      const command = new Command(name).description(summary);
      (await options())(command, action => async () => { await action })
      const help = helpOf(command)
      expect(help.split('Examples:')[1], help).to.contain(`skein ${name}`)
      expect(command.description()).to.equal(summary)
    })
  }
})
