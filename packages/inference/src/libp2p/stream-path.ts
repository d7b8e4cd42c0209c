/** Over which path a request runs, as far as libp2p tells. */
import { isRelayed } from '@skein/records'
import type { Connection } from '@libp2p/interface'
import type { CallPath } from '../call-record.ts'

export type PathOf = (connection: Connection) => CallPath

/** What a connection tells by itself: whether it was punched only those know who punched it. */
export const pathOf: PathOf = connection => isRelayed(connection) ? 'relayed' : 'direct'
