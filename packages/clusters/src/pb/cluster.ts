// Generated from cluster.proto by `node scripts/protobuf.mjs packages/clusters/src/pb/cluster.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface ClusterNotice {
  presence?: PresenceNotice
  leave?: LeaveNotice
  gone?: GoneNotice
  lease?: LeaseNotice
}

export const ClusterNotice = (() => {
  const codec: Pick<Codec<ClusterNotice>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.presence != null) {
        w.uint32(10)
        PresenceNotice.codec().encode(obj.presence, w)
      }

      if (obj.leave != null) {
        w.uint32(18)
        LeaveNotice.codec().encode(obj.leave, w)
      }

      if (obj.gone != null) {
        w.uint32(26)
        GoneNotice.codec().encode(obj.gone, w)
      }

      if (obj.lease != null) {
        w.uint32(34)
        LeaseNotice.codec().encode(obj.lease, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {}

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.presence = PresenceNotice.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.presence
            })
            break
          }
          case 2: {
            obj.leave = LeaveNotice.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.leave
            })
            break
          }
          case 3: {
            obj.gone = GoneNotice.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.gone
            })
            break
          }
          case 4: {
            obj.lease = LeaseNotice.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.lease
            })
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<ClusterNotice>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ClusterNotice>): ClusterNotice => decodeMessage(buf, codec, opts)
  }
})()

export interface PresenceNotice {
  seq: number
  weight: number
  scope: string
}

export const PresenceNotice = (() => {
  const codec: Pick<Codec<PresenceNotice>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(8)
        w.uint64Number(obj.seq)
      }

      if ((obj.weight != null && obj.weight !== 0)) {
        w.uint32(21)
        w.float(obj.weight)
      }

      if ((obj.scope != null && obj.scope !== '')) {
        w.uint32(26)
        w.string(obj.scope)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        seq: 0,
        weight: 0,
        scope: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.seq = reader.uint64Number()
            break
          }
          case 2: {
            obj.weight = reader.float()
            break
          }
          case 3: {
            obj.scope = reader.string()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<PresenceNotice>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PresenceNotice>): PresenceNotice => decodeMessage(buf, codec, opts)
  }
})()

export interface LeaveNotice {
  seq: number
  movedTo: number
}

export const LeaveNotice = (() => {
  const codec: Pick<Codec<LeaveNotice>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(8)
        w.uint64Number(obj.seq)
      }

      if ((obj.movedTo != null && obj.movedTo !== 0)) {
        w.uint32(16)
        w.uint32(obj.movedTo)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        seq: 0,
        movedTo: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.seq = reader.uint64Number()
            break
          }
          case 2: {
            obj.movedTo = reader.uint32()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<LeaveNotice>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LeaveNotice>): LeaveNotice => decodeMessage(buf, codec, opts)
  }
})()

export interface GoneNotice {
  peers: GonePeer[]
}

export const GoneNotice = (() => {
  const codec: Pick<Codec<GoneNotice>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.peers != null && obj.peers.length > 0) {
        for (const value of obj.peers) {
          w.uint32(10)
          GonePeer.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        peers: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            if (opts.limits?.peers != null && obj.peers.length === opts.limits.peers) {
              throw new MaxLengthError('Decode error - repeated field "peers" had too many elements')
            }

            obj.peers.push(GonePeer.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.peers$
            }))
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<GoneNotice>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GoneNotice>): GoneNotice => decodeMessage(buf, codec, opts)
  }
})()

export interface GonePeer {
  peer: Uint8Array<ArrayBuffer>
  seq: number
}

export const GonePeer = (() => {
  const codec: Pick<Codec<GonePeer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.peer != null && obj.peer.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.peer)
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.seq)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        peer: new Uint8Array(0),
        seq: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.peer = reader.bytes()
            break
          }
          case 2: {
            obj.seq = reader.uint64Number()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<GonePeer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<GonePeer>): GonePeer => decodeMessage(buf, codec, opts)
  }
})()

export interface LeaseNotice {
  term: number
  expiresAtMs: number
  addresses: string[]
  checksum: number
  parts: PartCount[]
  anchors: AnchorNotice[]
}

export const LeaseNotice = (() => {
  const codec: Pick<Codec<LeaseNotice>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.term != null && obj.term !== 0)) {
        w.uint32(8)
        w.uint64Number(obj.term)
      }

      if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.expiresAtMs)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(26)
          w.string(value)
        }
      }

      if ((obj.checksum != null && obj.checksum !== 0)) {
        w.uint32(32)
        w.uint32(obj.checksum)
      }

      if (obj.parts != null && obj.parts.length > 0) {
        for (const value of obj.parts) {
          w.uint32(42)
          PartCount.codec().encode(value, w)
        }
      }

      if (obj.anchors != null && obj.anchors.length > 0) {
        for (const value of obj.anchors) {
          w.uint32(50)
          AnchorNotice.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        term: 0,
        expiresAtMs: 0,
        addresses: [],
        checksum: 0,
        parts: [],
        anchors: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.term = reader.uint64Number()
            break
          }
          case 2: {
            obj.expiresAtMs = reader.uint64Number()
            break
          }
          case 3: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.string())
            break
          }
          case 4: {
            obj.checksum = reader.uint32()
            break
          }
          case 5: {
            if (opts.limits?.parts != null && obj.parts.length === opts.limits.parts) {
              throw new MaxLengthError('Decode error - repeated field "parts" had too many elements')
            }

            obj.parts.push(PartCount.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.parts$
            }))
            break
          }
          case 6: {
            if (opts.limits?.anchors != null && obj.anchors.length === opts.limits.anchors) {
              throw new MaxLengthError('Decode error - repeated field "anchors" had too many elements')
            }

            obj.anchors.push(AnchorNotice.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.anchors$
            }))
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<LeaseNotice>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LeaseNotice>): LeaseNotice => decodeMessage(buf, codec, opts)
  }
})()

export interface PartCount {
  prefix: number
  depth: number
  peers: number
}

export const PartCount = (() => {
  const codec: Pick<Codec<PartCount>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.prefix != null && obj.prefix !== 0)) {
        w.uint32(8)
        w.uint32(obj.prefix)
      }

      if ((obj.depth != null && obj.depth !== 0)) {
        w.uint32(16)
        w.uint32(obj.depth)
      }

      if ((obj.peers != null && obj.peers !== 0)) {
        w.uint32(24)
        w.uint32(obj.peers)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        prefix: 0,
        depth: 0,
        peers: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.prefix = reader.uint32()
            break
          }
          case 2: {
            obj.depth = reader.uint32()
            break
          }
          case 3: {
            obj.peers = reader.uint32()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<PartCount>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<PartCount>): PartCount => decodeMessage(buf, codec, opts)
  }
})()

export interface AnchorNotice {
  name: string
  position: number[]
  heightMs: number
  error: number
}

export const AnchorNotice = (() => {
  const codec: Pick<Codec<AnchorNotice>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.name != null && obj.name !== '')) {
        w.uint32(10)
        w.string(obj.name)
      }

      if (obj.position != null && obj.position.length > 0) {
        for (const value of obj.position) {
          w.uint32(21)
          w.float(value)
        }
      }

      if ((obj.heightMs != null && obj.heightMs !== 0)) {
        w.uint32(29)
        w.float(obj.heightMs)
      }

      if ((obj.error != null && obj.error !== 0)) {
        w.uint32(37)
        w.float(obj.error)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        name: '',
        position: [],
        heightMs: 0,
        error: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.name = reader.string()
            break
          }
          case 2: {
            if (opts.limits?.position != null && obj.position.length === opts.limits.position) {
              throw new MaxLengthError('Decode error - repeated field "position" had too many elements')
            }

            obj.position.push(reader.float())
            break
          }
          case 3: {
            obj.heightMs = reader.float()
            break
          }
          case 4: {
            obj.error = reader.float()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<AnchorNotice>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<AnchorNotice>): AnchorNotice => decodeMessage(buf, codec, opts)
  }
})()

export interface ClusterMessage {
  heartbeat?: HeartbeatMessage
  digest: Uint8Array<ArrayBuffer>
  load?: LoadReport
  members?: MembersQuestion
  push?: MembersAnswer
  where?: WhereQuestion
}

export const ClusterMessage = (() => {
  const codec: Pick<Codec<ClusterMessage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.heartbeat != null) {
        w.uint32(10)
        HeartbeatMessage.codec().encode(obj.heartbeat, w)
      }

      if ((obj.digest != null && obj.digest.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.digest)
      }

      if (obj.load != null) {
        w.uint32(26)
        LoadReport.codec().encode(obj.load, w)
      }

      if (obj.members != null) {
        w.uint32(34)
        MembersQuestion.codec().encode(obj.members, w)
      }

      if (obj.push != null) {
        w.uint32(42)
        MembersAnswer.codec().encode(obj.push, w)
      }

      if (obj.where != null) {
        w.uint32(50)
        WhereQuestion.codec().encode(obj.where, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        digest: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.heartbeat = HeartbeatMessage.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.heartbeat
            })
            break
          }
          case 2: {
            obj.digest = reader.bytes()
            break
          }
          case 3: {
            obj.load = LoadReport.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.load
            })
            break
          }
          case 4: {
            obj.members = MembersQuestion.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.members
            })
            break
          }
          case 5: {
            obj.push = MembersAnswer.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.push
            })
            break
          }
          case 6: {
            obj.where = WhereQuestion.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.where
            })
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<ClusterMessage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ClusterMessage>): ClusterMessage => decodeMessage(buf, codec, opts)
  }
})()

export interface ClusterAnswer {
  members?: MembersAnswer
  where?: WhereAnswer
}

export const ClusterAnswer = (() => {
  const codec: Pick<Codec<ClusterAnswer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.members != null) {
        w.uint32(10)
        MembersAnswer.codec().encode(obj.members, w)
      }

      if (obj.where != null) {
        w.uint32(18)
        WhereAnswer.codec().encode(obj.where, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {}

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.members = MembersAnswer.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.members
            })
            break
          }
          case 2: {
            obj.where = WhereAnswer.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.where
            })
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<ClusterAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ClusterAnswer>): ClusterAnswer => decodeMessage(buf, codec, opts)
  }
})()

export interface HeartbeatMessage {
  scope: string
  term: number
  expiresAtMs: number
  more: boolean
}

export const HeartbeatMessage = (() => {
  const codec: Pick<Codec<HeartbeatMessage>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.scope != null && obj.scope !== '')) {
        w.uint32(10)
        w.string(obj.scope)
      }

      if ((obj.term != null && obj.term !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.term)
      }

      if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.expiresAtMs)
      }

      if ((obj.more != null && obj.more !== false)) {
        w.uint32(32)
        w.bool(obj.more)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        scope: '',
        term: 0,
        expiresAtMs: 0,
        more: false
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.scope = reader.string()
            break
          }
          case 2: {
            obj.term = reader.uint64Number()
            break
          }
          case 3: {
            obj.expiresAtMs = reader.uint64Number()
            break
          }
          case 4: {
            obj.more = reader.bool()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<HeartbeatMessage>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<HeartbeatMessage>): HeartbeatMessage => decodeMessage(buf, codec, opts)
  }
})()

export interface LoadReport {
  seq: number
  models: LoadEntry[]
}

export const LoadReport = (() => {
  const codec: Pick<Codec<LoadReport>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(8)
        w.uint64Number(obj.seq)
      }

      if (obj.models != null && obj.models.length > 0) {
        for (const value of obj.models) {
          w.uint32(18)
          LoadEntry.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        seq: 0,
        models: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.seq = reader.uint64Number()
            break
          }
          case 2: {
            if (opts.limits?.models != null && obj.models.length === opts.limits.models) {
              throw new MaxLengthError('Decode error - repeated field "models" had too many elements')
            }

            obj.models.push(LoadEntry.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.models$
            }))
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<LoadReport>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LoadReport>): LoadReport => decodeMessage(buf, codec, opts)
  }
})()

export interface LoadEntry {
  model: string
  free: number
}

export const LoadEntry = (() => {
  const codec: Pick<Codec<LoadEntry>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.model != null && obj.model !== '')) {
        w.uint32(10)
        w.string(obj.model)
      }

      if ((obj.free != null && obj.free !== 0)) {
        w.uint32(16)
        w.uint32(obj.free)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        model: '',
        free: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.model = reader.string()
            break
          }
          case 2: {
            obj.free = reader.uint32()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<LoadEntry>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LoadEntry>): LoadEntry => decodeMessage(buf, codec, opts)
  }
})()

export interface MembersQuestion {
  topic: string
  buckets: Uint8Array<ArrayBuffer>
}

export const MembersQuestion = (() => {
  const codec: Pick<Codec<MembersQuestion>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.topic != null && obj.topic !== '')) {
        w.uint32(10)
        w.string(obj.topic)
      }

      if ((obj.buckets != null && obj.buckets.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.buckets)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        topic: '',
        buckets: new Uint8Array(0)
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.topic = reader.string()
            break
          }
          case 2: {
            obj.buckets = reader.bytes()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<MembersQuestion>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MembersQuestion>): MembersQuestion => decodeMessage(buf, codec, opts)
  }
})()

export interface MembersAnswer {
  topic: string
  members: MemberEntry[]
  near: MemberAddresses[]
  cluster: string
  holders: HolderEntry[]
  buckets: Uint8Array<ArrayBuffer>
  parts: PartCount[]
}

export const MembersAnswer = (() => {
  const codec: Pick<Codec<MembersAnswer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.topic != null && obj.topic !== '')) {
        w.uint32(10)
        w.string(obj.topic)
      }

      if (obj.members != null && obj.members.length > 0) {
        for (const value of obj.members) {
          w.uint32(18)
          MemberEntry.codec().encode(value, w)
        }
      }

      if (obj.near != null && obj.near.length > 0) {
        for (const value of obj.near) {
          w.uint32(26)
          MemberAddresses.codec().encode(value, w)
        }
      }

      if ((obj.cluster != null && obj.cluster !== '')) {
        w.uint32(34)
        w.string(obj.cluster)
      }

      if (obj.holders != null && obj.holders.length > 0) {
        for (const value of obj.holders) {
          w.uint32(42)
          HolderEntry.codec().encode(value, w)
        }
      }

      if ((obj.buckets != null && obj.buckets.byteLength > 0)) {
        w.uint32(50)
        w.bytes(obj.buckets)
      }

      if (obj.parts != null && obj.parts.length > 0) {
        for (const value of obj.parts) {
          w.uint32(58)
          PartCount.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        topic: '',
        members: [],
        near: [],
        cluster: '',
        holders: [],
        buckets: new Uint8Array(0),
        parts: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.topic = reader.string()
            break
          }
          case 2: {
            if (opts.limits?.members != null && obj.members.length === opts.limits.members) {
              throw new MaxLengthError('Decode error - repeated field "members" had too many elements')
            }

            obj.members.push(MemberEntry.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.members$
            }))
            break
          }
          case 3: {
            if (opts.limits?.near != null && obj.near.length === opts.limits.near) {
              throw new MaxLengthError('Decode error - repeated field "near" had too many elements')
            }

            obj.near.push(MemberAddresses.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.near$
            }))
            break
          }
          case 4: {
            obj.cluster = reader.string()
            break
          }
          case 5: {
            if (opts.limits?.holders != null && obj.holders.length === opts.limits.holders) {
              throw new MaxLengthError('Decode error - repeated field "holders" had too many elements')
            }

            obj.holders.push(HolderEntry.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.holders$
            }))
            break
          }
          case 6: {
            obj.buckets = reader.bytes()
            break
          }
          case 7: {
            if (opts.limits?.parts != null && obj.parts.length === opts.limits.parts) {
              throw new MaxLengthError('Decode error - repeated field "parts" had too many elements')
            }

            obj.parts.push(PartCount.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.parts$
            }))
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<MembersAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MembersAnswer>): MembersAnswer => decodeMessage(buf, codec, opts)
  }
})()

export interface HolderEntry {
  peer: Uint8Array<ArrayBuffer>
  term: number
  expiresAtMs: number
  addresses: string[]
}

export const HolderEntry = (() => {
  const codec: Pick<Codec<HolderEntry>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.peer != null && obj.peer.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.peer)
      }

      if ((obj.term != null && obj.term !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.term)
      }

      if ((obj.expiresAtMs != null && obj.expiresAtMs !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.expiresAtMs)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(34)
          w.string(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        peer: new Uint8Array(0),
        term: 0,
        expiresAtMs: 0,
        addresses: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.peer = reader.bytes()
            break
          }
          case 2: {
            obj.term = reader.uint64Number()
            break
          }
          case 3: {
            obj.expiresAtMs = reader.uint64Number()
            break
          }
          case 4: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.string())
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<HolderEntry>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<HolderEntry>): HolderEntry => decodeMessage(buf, codec, opts)
  }
})()

export interface MemberEntry {
  peer: Uint8Array<ArrayBuffer>
  seq: number
  weight: number
  scope: string
  gone: boolean
}

export const MemberEntry = (() => {
  const codec: Pick<Codec<MemberEntry>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.peer != null && obj.peer.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.peer)
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.seq)
      }

      if ((obj.weight != null && obj.weight !== 0)) {
        w.uint32(29)
        w.float(obj.weight)
      }

      if ((obj.scope != null && obj.scope !== '')) {
        w.uint32(34)
        w.string(obj.scope)
      }

      if ((obj.gone != null && obj.gone !== false)) {
        w.uint32(40)
        w.bool(obj.gone)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        peer: new Uint8Array(0),
        seq: 0,
        weight: 0,
        scope: '',
        gone: false
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.peer = reader.bytes()
            break
          }
          case 2: {
            obj.seq = reader.uint64Number()
            break
          }
          case 3: {
            obj.weight = reader.float()
            break
          }
          case 4: {
            obj.scope = reader.string()
            break
          }
          case 5: {
            obj.gone = reader.bool()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<MemberEntry>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberEntry>): MemberEntry => decodeMessage(buf, codec, opts)
  }
})()

export interface MemberAddresses {
  peer: Uint8Array<ArrayBuffer>
  addresses: string[]
}

export const MemberAddresses = (() => {
  const codec: Pick<Codec<MemberAddresses>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.peer != null && obj.peer.byteLength > 0)) {
        w.uint32(10)
        w.bytes(obj.peer)
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(18)
          w.string(value)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        peer: new Uint8Array(0),
        addresses: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.peer = reader.bytes()
            break
          }
          case 2: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.string())
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<MemberAddresses>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<MemberAddresses>): MemberAddresses => decodeMessage(buf, codec, opts)
  }
})()

export interface WhereQuestion {
  model: string
}

export const WhereQuestion = (() => {
  const codec: Pick<Codec<WhereQuestion>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.model != null && obj.model !== '')) {
        w.uint32(10)
        w.string(obj.model)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        model: ''
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.model = reader.string()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<WhereQuestion>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<WhereQuestion>): WhereQuestion => decodeMessage(buf, codec, opts)
  }
})()

export interface WhereAnswer {
  notReady: boolean
  regions: RegionEstimate[]
}

export const WhereAnswer = (() => {
  const codec: Pick<Codec<WhereAnswer>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.notReady != null && obj.notReady !== false)) {
        w.uint32(8)
        w.bool(obj.notReady)
      }

      if (obj.regions != null && obj.regions.length > 0) {
        for (const value of obj.regions) {
          w.uint32(18)
          RegionEstimate.codec().encode(value, w)
        }
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        notReady: false,
        regions: []
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.notReady = reader.bool()
            break
          }
          case 2: {
            if (opts.limits?.regions != null && obj.regions.length === opts.limits.regions) {
              throw new MaxLengthError('Decode error - repeated field "regions" had too many elements')
            }

            obj.regions.push(RegionEstimate.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.regions$
            }))
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<WhereAnswer>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<WhereAnswer>): WhereAnswer => decodeMessage(buf, codec, opts)
  }
})()

export interface RegionEstimate {
  region: string
  providers: number
  free: number
  exact: boolean
}

export const RegionEstimate = (() => {
  const codec: Pick<Codec<RegionEstimate>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(10)
        w.string(obj.region)
      }

      if ((obj.providers != null && obj.providers !== 0)) {
        w.uint32(16)
        w.uint32(obj.providers)
      }

      if ((obj.free != null && obj.free !== 0)) {
        w.uint32(24)
        w.uint32(obj.free)
      }

      if ((obj.exact != null && obj.exact !== false)) {
        w.uint32(32)
        w.bool(obj.exact)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        region: '',
        providers: 0,
        free: 0,
        exact: false
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.region = reader.string()
            break
          }
          case 2: {
            obj.providers = reader.uint32()
            break
          }
          case 3: {
            obj.free = reader.uint32()
            break
          }
          case 4: {
            obj.exact = reader.bool()
            break
          }
          default: {
            reader.skipType(tag & 7)
            break
          }
        }
      }

      return obj
    }
  }

  return {
    codec: (): typeof codec => codec,
    encode: (obj: Partial<RegionEstimate>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<RegionEstimate>): RegionEstimate => decodeMessage(buf, codec, opts)
  }
})()
