import { Command } from 'commander'
import { expect } from 'chai'
import { mediaRelayOptions } from '../src/options/media-relay.ts'

describe('the options of skein media-relay', () => {
  function parse (...args: string[]): Record<string, unknown> {
    const command = new Command('media-relay').exitOverride().configureOutput({ writeErr: () => {} })
    mediaRelayOptions(command, () => async () => {})
    command.parse(args, { from: 'user' })
    return command.opts()
  }

  it('are the ports of the design, those to manage it on loopback', () => {
    expect(parse()).to.include({
      publisherPort: 4_001, playerPort: 4_000, srtlaPort: 5_000, srtla: true, apiPort: 3_000, statsPort: 8_090, linkStatsPort: 5_080,
      host: '0.0.0.0', managementHost: '127.0.0.1'
    })
  })

  it('take several stream ids', () => {
    expect(parse('--stream', 'live_a=play_a', '--stream', 'live_a=play_b').stream).to.deep.equal([
      { publisher: 'live_a', player: 'play_a', description: '' }, { publisher: 'live_a', player: 'play_b', description: '' }
    ])
  })

  const WRONG: Array<[string, string[]]> = [
    ['a stream id without a player', ['--stream', 'live_a']],
    ['a stream id the wrong way round', ['--stream', 'play_a=live_a']],
    ['a short passphrase', ['--passphrase', 'short']],
    ['a host that is a name', ['--host', 'localhost']],
    ['a port that is none', ['--api-port', '70000']],
    ['no time at all', ['--stale-after', '0']]
  ]
  for (const [name, args] of WRONG) {
    it(`do not take ${name}`, () => {
      expect(() => parse(...args)).to.throw().with.property('code', 'commander.invalidArgument')
    })
  }
})
