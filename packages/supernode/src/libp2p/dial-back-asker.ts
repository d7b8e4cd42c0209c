/**
 * Asks others to dial this node back, for a node that dials nobody back itself: it speaks the protocol only while it asks, so that none who looks for
 * somebody to ask comes to it in vain.
 */
import { deadline } from '@skein/core'
import { PROTOCOLS } from '@skein/records'
import { judgeAnswers } from '../dial-back-answers.ts'
import { withoutPeer } from '../dial-queue.ts'
import { DialBackQuestions } from './dial-back-questions.ts'
import { DialBackStream } from './dial-back-stream.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Clock, Random } from '@skein/core'
import type { VerifiedNetwork } from '@skein/records'
import type { AddressReachability } from '../dial-back-answers.ts'
import type { AskDialBackOptions } from './dial-back-questions.ts'
import type { DialBackComponents } from './dial-back-service.ts'

export interface DialBackAskerInit {
  /** The network of an address; `undefined` for one that no rule of networks is of use for, such as those of a home */
  networkOf: (address: string) => VerifiedNetwork | undefined
  clock: Clock
  random: Random
}

const HELLO_MS = 10_000
/** Of one connection. */
const STREAMS = { maxInboundStreams: 2, maxOutboundStreams: 16 }

export class DialBackAsker {
  private readonly components: Pick<DialBackComponents, 'peerId' | 'peerStore' | 'registrar' | 'connectionManager'>
  private readonly init: DialBackAskerInit
  private readonly questions: DialBackQuestions
  private asking = 0
  /** Beginning and ceasing to listen, one after the other */
  private turn: Promise<void> = Promise.resolve()

  constructor (components: DialBackAsker['components'], init: DialBackAskerInit) {
    this.components = components
    this.init = init
    this.questions = new DialBackQuestions({ components, ...init })
  }

  /** As `askDialBack` of `DialBackService`. @throws what aborted it, when the signal fires */
  async askDialBack (addresses: readonly string[], options: AskDialBackOptions = {}): Promise<AddressReachability[]> {
    const self = this.components.peerId.toString()
    const asked = [...new Set(addresses.map(address => withoutPeer(address, self)))]
    const limit = deadline(this.init.clock, undefined, [options.signal])
    await this.listen(1)
    try {
      const answers = await this.questions.askAll(asked, options, limit.signal)
      return judgeAnswers(asked, answers, this.init.networkOf, this.init.clock.nowMs())
    } finally {
      limit.clear()
      await this.listen(-1)
    }
  }

  private async listen (change: 1 | -1): Promise<void> {
    const { registrar } = this.components
    const before = this.turn
    const done = before.then(async () => {
      const was = this.asking
      this.asking += change
      if (was === 0) {
        await registrar.handle(PROTOCOLS.dialBack, (stream, connection) => { void this.hear(stream, connection) }, STREAMS)
      } else if (this.asking === 0) {
        await registrar.unhandle(PROTOCOLS.dialBack)
      }
    })
    this.turn = done.catch(() => {})
    await done
  }

  private async hear (stream: Stream, connection: Connection): Promise<void> {
    const limit = deadline(this.init.clock, HELLO_MS)
    try {
      const messages = new DialBackStream(stream)
      const { hello } = await messages.readRequest(limit)
      const isExpected = hello !== undefined && this.questions.heard(connection.remotePeer.toString(), hello, connection)
      await messages.writeAnswer({ refusal: isExpected ? '' : 'not_here' }, limit)
      await stream.close(limit)
    } catch (error) {
      stream.abort(error as Error)
    } finally {
      limit.clear()
    }
  }
}
