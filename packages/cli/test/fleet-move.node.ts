import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@skein/core/system'
import { FleetRequests, isLost } from '@skein/fleet'
import { expect } from 'chai'
import { Encoder, needPrograms, Player, stopWhenQuiet, until } from '../../media-relay/test/media-programs.ts'
import { FleetOfProcesses, LINKS } from './fleet-of-processes.ts'
import { transportGaps } from './transport-stream.ts'
import type { PoolNode, SessionView } from '@skein/fleet'
import type { UserSide } from './fleet-of-processes.ts'
import type { SkeinEvent, SkeinProcess } from './skein-process.ts'

/** The place that was left goes on for so long, s. */
const MOVE_OVERLAP = 12
const PATIENCE_MS = 90_000
/** An encoder is ended by the test. */
const MOST_SECONDS = 600
/** Of a stream after what is tested has happened. */
const TAIL_MS = 4_000

describe('a stream that is moved', function () {
  this.timeout(240_000)
  let fleet: FleetOfProcesses
  let requests: FleetRequests
  let old: SkeinProcess
  let next: SkeinProcess
  let side: UserSide

  before(async function () {
    needPrograms(this)
    fleet = await FleetOfProcesses.start(MOVE_OVERLAP)
    requests = new FleetRequests({ url: fleet.url, key: fleet.userKey, clock: systemClock() })
    old = await fleet.node('kc1', 'us-central')
    next = await fleet.node('fra1', 'eu-west')
    side = await fleet.slot(1, 'us-central')
  })
  after(async () => { await fleet?.stop() })

  async function session (slot: number): Promise<SessionView | undefined> {
    return (await requests.ask<{ sessions: SessionView[] }>('GET', '/v1/sessions')).sessions.find(session => session.slot === slot)
  }

  it('from one region to another over two bonded links has no gap: what is played is what was sent, byte for byte', async () => {
    const { uplink, encoderPort, player, playPort } = side
    const [sent, played] = [join(fleet.folder, 'sent.ts'), join(fleet.folder, 'played.ts')]
    const recorder = new Player({ port: playPort, streamId: 'play_local', file: played })
    await player.event('player:connected')
    const encoder = new Encoder({ port: encoderPort, streamId: 'any', seconds: MOST_SECONDS, mbitPerSecond: 2, file: sent, latencyMs: 1_000 })
    expect(await player.event('source:switched')).to.include({ instanceId: 'kc1', how: 'begun' })
    await uplink.event('connection', ({ state }) => state === 'live')

    const { id } = await session(1) as SessionView
    const figures = async (): Promise<Figures> => await requests.ask<Figures>('GET', `/v1/sessions/${id}/statistics`)
    await untilAsked('the node tells of both links, that carry it', async () => {
      const { links } = await figures()
      return links.length === 2 && links.every(({ bytes }) => bytes > 100_000)
    })
    expect((await figures()).links.map(hostOf).sort()).to.deep.equal(LINKS)
    await untilAsked('it tells what is sent', async () => (await figures()).bitrateBps > 1_000_000)

    const moving = fleet.skein(['move', '1', 'eu-west'])
    expect((await moving.event('moved')).session.place).to.include({ instanceId: 'fra1', region: 'eu-west' })
    await uplink.event('uplink:up', ({ instanceId }) => instanceId === 'fra1')
    expect(uplink.events.some(({ event }) => event === 'uplink:down'), 'the old uplink goes on').to.equal(false)
    expect(await player.event('source:switched', ({ instanceId }) => instanceId === 'fra1')).to.include({ how: 'joined' })
    await uplink.event('uplink:down', ({ instanceId }) => instanceId === 'kc1')
    await until('the old node is released', async () => (await fleet.store.node('kc1'))?.used === 0, PATIENCE_MS)
    await pause(TAIL_MS)
    expect(encoder.isRunning, 'the stream goes on after that').to.equal(true)
    encoder.kill('SIGINT')
    await encoder.exit()
    await stopWhenQuiet([recorder])
    const [sentBytes, playedBytes] = [await readFile(sent), await readFile(played)]
    expect(playedBytes.length).to.equal(sentBytes.length)
    expect(playedBytes.equals(sentBytes), 'played as it was sent').to.equal(true)
    expect(transportGaps(playedBytes)).to.deep.equal({ packets: sentBytes.length / 188, gaps: 0 })
    expect(player.events.filter(({ event }) => event === 'source:switched').map(({ instanceId, how }) => [instanceId, how]))
      .to.deep.equal([['kc1', 'begun'], ['fra1', 'joined']])
    expect(old.events.filter(told('publisher:connected'))).to.have.length(1)
    expect(next.events.filter(told('publisher:connected'))).to.have.length(1)
  })

  it('is not moved again within an hour, nor a seventh time within a day, and is told when it may be', async () => {
    const again = fleet.skein(['move', '1', 'us-central'])
    expect(await again.event('error')).to.include({ name: 'FleetRefusedError', code: 'move_cool_down' })
    expect((await again.exit()).code).to.equal(1)

    const { id } = await requests.start({ slot: 2, region: 'us-central' })
    await untilAsked('the second slot has a relay', async () => (await requests.session(id)).state === 'active')
    const nowMs = systemClock().nowMs()
    const move = async (): Promise<{ status: number, code?: string, retryAfterSeconds: number }> => {
      const response = await fetch(`${fleet.url}/v1/sessions/${id}/move`, {
        method: 'POST', headers: { authorization: `Bearer ${fleet.userKey}`, 'content-type': 'application/json' }, body: '{"region":"eu-west"}'
      })
      const { error } = await response.json() as { error?: { code: string } }
      return { status: response.status, code: error?.code, retryAfterSeconds: Number(response.headers.get('retry-after')) }
    }
    await fleet.store.addMove('ann', 2, nowMs - 1_800_000)
    const cooling = await move()
    expect(cooling).to.include({ status: 409, code: 'move_cool_down' })
    expect(cooling.retryAfterSeconds).to.be.within(1_600, 1_800)

    for (let moves = 1; moves <= 6; moves++) {
      await fleet.store.addMove('ann', 2, nowMs - 7_200_000 + moves)
    }
    const limited = await move()
    expect(limited).to.include({ status: 409, code: 'move_daily_limit' })
    expect(limited.retryAfterSeconds).to.be.within(22 * 3_600 - 300, 22 * 3_600)
    await requests.stop(id)
  })

  it('goes on elsewhere when its node is killed: after three silent polls its session has another, which uplink and player find', async () => {
    const { uplink, encoderPort, player, playPort } = side
    const [sent, played] = [join(fleet.folder, 'sent-2.ts'), join(fleet.folder, 'played-2.ts')]
    const recorder = new Player({ port: playPort, streamId: 'play_local', file: played })
    const encoder = new Encoder({ port: encoderPort, streamId: 'any', seconds: MOST_SECONDS, mbitPerSecond: 2, file: sent, latencyMs: 1_000 })
    await until('it is played', async () => await recorder.size() > 500_000, PATIENCE_MS)
    const switches = player.events.length

    next.kill('SIGKILL')
    await until('the node counts as lost', async () => isLost(await fleet.store.node('fra1') as PoolNode), PATIENCE_MS)
    const found = (events: SkeinEvent[], name: string): SkeinEvent | undefined => events.find(({ event, instanceId }) => event === name && instanceId === 'kc1')
    await until('the player plays from the other node', () => found(player.events.slice(switches), 'source:switched') !== undefined, PATIENCE_MS)
    expect((await session(1))?.place).to.include({ instanceId: 'kc1' })
    expect(uplink.events.findLast(({ event }) => event === 'uplink:up')).to.include({ instanceId: 'kc1' })
    expect((await fleet.store.node('fra1'))?.used, 'nothing is left on the lost node').to.equal(0)

    await pause(TAIL_MS)
    expect(encoder.isRunning, 'the stream goes on').to.equal(true)
    encoder.kill('SIGINT')
    await encoder.exit()
    await stopWhenQuiet([recorder])
    const [sentBytes, playedBytes] = [await readFile(sent), await readFile(played)]
    expect(playedBytes.subarray(-500_000).equals(sentBytes.subarray(-500_000)), 'the end is played as it was sent').to.equal(true)
  })
})

interface Figures {
  bitrateBps: number
  links: Array<{ address: string, bytes: number }>
}

function hostOf ({ address }: { address: string }): string {
  return address.split(':')[0] as string
}

/** With pauses, as the control plane lets nobody ask all the time. */
async function untilAsked (what: string, holds: () => Promise<boolean>): Promise<void> {
  await until(what, async () => {
    await pause(500)
    return await holds().catch(() => false)
  }, PATIENCE_MS)
}

function told (name: string): (event: SkeinEvent) => boolean {
  return ({ event }) => event === name
}
