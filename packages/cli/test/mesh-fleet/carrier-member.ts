/** Runs a super-node that carries streams in a process of its own, told what to do by its parent: started by `CarrierProcess`. */
import { createSuperNode } from '@skein/seed'
import { loopbackHost, loopbackNetworks } from '@skein/testnet'
import type { SuperNode, SuperNodeInit } from '@skein/seed'
import type { CarrierCommand, CarrierInit, CarrierReply, CarrierView } from './carrier-process.ts'

/** Shorter than what ships, so that a test sees in seconds what takes hours: a volunteer is watched for seconds, and its reputation rises at once. */
const ELECTION: NonNullable<Exclude<SuperNodeInit['election'], false>> = {
  // candidacies that are seconds late on two busy cores would count as absences
  rules: { minAgeMs: 3_000, minBytesPerSecond: 100_000, minUptime: 0.3 },
  electorRules: {
    candidacyMs: 3_000,
    moreVerifiersMs: 15_000,
    spreadMs: 5_000,
    repeatMs: 5_000,
    reportLifeMs: 600_000,
    listenMs: 6_000,
    electionMs: 2_000,
    recheckMs: 1_000,
    watchedMs: 1_500,
    risePerDay: 10_000
  },
  leaseMs: 60_000,
  graceMs: 10_000
}

let node: SuperNode | undefined

async function start ({ octet, bootstrap, capacity, leaseMs }: CarrierInit): Promise<string> {
  const host = `127.${octet}.0.1`
  node = await createSuperNode({
    ...loopbackHost(host),
    networkOf: loopbackNetworks(),
    region: 'eu-west',
    bootstrap,
    quota: { bytesPerSecond: 20e6 },
    media: { host, srtlaPort: 0, publisherPort: 0, playerPort: 0, apiPort: false, statsPort: false, linkStatsPort: false, sessions: { capacity, leaseMs } },
    election: ELECTION
  })
  return node.id
}

function view (): CarrierView {
  return {
    state: node?.state.state ?? 'candidate',
    elected: node?.elector?.elected().map(({ peer }) => peer) ?? [],
    streams: node?.media?.book.streams.entries().map(({ publisher, description }) => ({ sessionId: description, streamToken: publisher.slice('live_'.length) })) ?? [],
    carriedBytes: node?.media?.carriedBytes ?? 0
  }
}

async function perform (command: CarrierCommand): Promise<unknown> {
  switch (command.type) {
    case 'start':
      return await start(command.init)
    case 'drain':
      void node?.drain({ deadlineMs: 60_000 })
      return undefined
    case 'view':
      return view()
  }
}

process.on('message', ({ id, command }: { id: number, command: CarrierCommand }) => {
  perform(command).then(
    result => { process.send?.({ id, result } satisfies CarrierReply) },
    (error: Error) => { process.send?.({ id, error: error.stack ?? error.message } satisfies CarrierReply) })
})
process.on('disconnect', () => { process.exit(0) })
