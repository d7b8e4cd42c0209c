/** The groups and links of a receiver, found by id and by address, within their bounds. */
import { HALF_ID_BYTES, ID_BYTES, idsEqual, readU32 } from '../packet.ts'
import { ReceiverGroup, ReceiverLink } from './group.ts'
import type { Origin } from './group.ts'

export interface GroupTableInit {
  maxGroups: number
  maxLinksPerGroup: number
}

/** Groups that one address may have asked for and not joined. */
const MAX_GHOSTS_PER_ASKER = 4

export class GroupTable {
  readonly groups = new Set<ReceiverGroup>()
  private readonly maxGroups: number
  private readonly maxGhosts: number
  private readonly maxLinksPerGroup: number
  /** By the first 32 bits of the id, which are no secret: operators see them */
  private readonly byPrefix = new Map<number, ReceiverGroup[]>()
  /** By port first: numbers make keys without a new text for each packet, and few links share one */
  private readonly byPort = new Map<number, ReceiverLink[]>()
  private ghosts: ReceiverGroup[] = []

  constructor (init: GroupTableInit) {
    this.maxGroups = init.maxGroups
    // floods make ghosts: they get half of the table, whoever sends something has the rest
    this.maxGhosts = Math.max(1, Math.floor(init.maxGroups / 2))
    this.maxLinksPerGroup = init.maxLinksPerGroup
  }

  linkAt (address: string, port: number): ReceiverLink | undefined {
    const links = this.byPort.get(port)
    if (links !== undefined) {
      for (let i = 0; i < links.length; i++) {
        const link = links[i] as ReceiverLink
        if (link.address === address) {
          return link
        }
      }
    }
    return undefined
  }

  byId (id: Uint8Array): ReceiverGroup | undefined {
    return this.find(id, ID_BYTES)
  }

  byHalfId (id: Uint8Array): ReceiverGroup | undefined {
    return this.find(id, HALF_ID_BYTES)
  }

  /** The ghosts that have to go before one more group may be made for `asker`; `undefined` when there is no room even so. */
  roomFor (asker: string): ReceiverGroup[] | undefined {
    const leave: ReceiverGroup[] = []
    const own = this.ghosts.filter(ghost => ghost.asker === asker)
    if (own.length >= MAX_GHOSTS_PER_ASKER) {
      leave.push(own[0] as ReceiverGroup)
    } else if (this.ghosts.length >= this.maxGhosts) {
      leave.push(this.ghosts[0] as ReceiverGroup)
    }
    if (this.groups.size - leave.length >= this.maxGroups) {
      const oldest = this.ghosts.find(ghost => !leave.includes(ghost))
      if (oldest === undefined) {
        return undefined
      }
      leave.push(oldest)
    }
    return leave
  }

  addGroup (id: Uint8Array, asker: string, nowMs: number): ReceiverGroup {
    const group = new ReceiverGroup(id, asker, nowMs)
    const prefix = readU32(id, 0)
    const same = this.byPrefix.get(prefix)
    if (same === undefined) {
      this.byPrefix.set(prefix, [group])
    } else {
      same.push(group)
    }
    this.groups.add(group)
    this.ghosts.push(group)
    return group
  }

  hasRoomForLink (group: ReceiverGroup): boolean {
    return group.links.length < this.maxLinksPerGroup
  }

  addLink (group: ReceiverGroup, origin: Origin, nowMs: number): ReceiverLink {
    const link = new ReceiverLink(group, origin, nowMs)
    group.links.push(link)
    group.emptySinceMs = undefined
    if (group.isGhost) {
      group.isGhost = false
      this.ghosts = this.ghosts.filter(ghost => ghost !== group)
    }
    const links = this.byPort.get(origin.port)
    if (links === undefined) {
      this.byPort.set(origin.port, [link])
    } else {
      links.push(link)
    }
    return link
  }

  removeLink (link: ReceiverLink, nowMs: number): void {
    const { group } = link
    group.links.splice(group.links.indexOf(link), 1)
    if (group.lastActive === link) {
      group.lastActive = undefined
    }
    if (group.links.length === 0) {
      group.emptySinceMs = nowMs
    }
    const links = (this.byPort.get(link.port) ?? []).filter(other => other !== link)
    if (links.length === 0) {
      this.byPort.delete(link.port)
    } else {
      this.byPort.set(link.port, links)
    }
  }

  /** Its links have to be removed before. */
  removeGroup (group: ReceiverGroup): void {
    this.groups.delete(group)
    this.ghosts = this.ghosts.filter(ghost => ghost !== group)
    const prefix = readU32(group.id, 0)
    const same = (this.byPrefix.get(prefix) ?? []).filter(other => other !== group)
    if (same.length === 0) {
      this.byPrefix.delete(prefix)
    } else {
      this.byPrefix.set(prefix, same)
    }
  }

  private find (id: Uint8Array, length: number): ReceiverGroup | undefined {
    return this.byPrefix.get(readU32(id, 0))?.find(group => idsEqual(group.id, id, length))
  }
}
