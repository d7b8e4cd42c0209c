// Generated from election.proto by `node scripts/protobuf.mjs packages/records/src/pb/election.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface CandidacyRecord {
  region: string
  seq: number
  issuedAtMs: number
  lifeMs: number
  roles: string[]
  addresses: Uint8Array<ArrayBuffer>[]
  networks: ElectionNetworkRecord[]
  claimedBytesPerSecond: number
  withdrawn: boolean
}

export const CandidacyRecord = (() => {
  const codec: Pick<Codec<CandidacyRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(10)
        w.string(obj.region)
      }

      if ((obj.seq != null && obj.seq !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.seq)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(32)
        w.uint32(obj.lifeMs)
      }

      if (obj.roles != null && obj.roles.length > 0) {
        for (const value of obj.roles) {
          w.uint32(42)
          w.string(value)
        }
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(50)
          w.bytes(value)
        }
      }

      if (obj.networks != null && obj.networks.length > 0) {
        for (const value of obj.networks) {
          w.uint32(58)
          ElectionNetworkRecord.codec().encode(value, w)
        }
      }

      if ((obj.claimedBytesPerSecond != null && obj.claimedBytesPerSecond !== 0)) {
        w.uint32(64)
        w.uint64Number(obj.claimedBytesPerSecond)
      }

      if ((obj.withdrawn != null && obj.withdrawn !== false)) {
        w.uint32(72)
        w.bool(obj.withdrawn)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        region: '',
        seq: 0,
        issuedAtMs: 0,
        lifeMs: 0,
        roles: [],
        addresses: [],
        networks: [],
        claimedBytesPerSecond: 0,
        withdrawn: false
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
            obj.seq = reader.uint64Number()
            break
          }
          case 3: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 4: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 5: {
            if (opts.limits?.roles != null && obj.roles.length === opts.limits.roles) {
              throw new MaxLengthError('Decode error - repeated field "roles" had too many elements')
            }

            obj.roles.push(reader.string())
            break
          }
          case 6: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.bytes())
            break
          }
          case 7: {
            if (opts.limits?.networks != null && obj.networks.length === opts.limits.networks) {
              throw new MaxLengthError('Decode error - repeated field "networks" had too many elements')
            }

            obj.networks.push(ElectionNetworkRecord.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.networks$
            }))
            break
          }
          case 8: {
            obj.claimedBytesPerSecond = reader.uint64Number()
            break
          }
          case 9: {
            obj.withdrawn = reader.bool()
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
    encode: (obj: Partial<CandidacyRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<CandidacyRecord>): CandidacyRecord => decodeMessage(buf, codec, opts)
  }
})()

export interface SuperNodeReportRecord {
  region: string
  candidate: Uint8Array<ArrayBuffer>
  issuedAtMs: number
  lifeMs: number
  reachable: boolean
  networks: ElectionNetworkRecord[]
  bytesPerSecond?: number
  ageMs: number
  uptimeMillionths?: number
  relay?: ReportScoreRecord
  inference?: ReportScoreRecord
}

export const SuperNodeReportRecord = (() => {
  const codec: Pick<Codec<SuperNodeReportRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(10)
        w.string(obj.region)
      }

      if ((obj.candidate != null && obj.candidate.byteLength > 0)) {
        w.uint32(18)
        w.bytes(obj.candidate)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(32)
        w.uint32(obj.lifeMs)
      }

      if ((obj.reachable != null && obj.reachable !== false)) {
        w.uint32(40)
        w.bool(obj.reachable)
      }

      if (obj.networks != null && obj.networks.length > 0) {
        for (const value of obj.networks) {
          w.uint32(50)
          ElectionNetworkRecord.codec().encode(value, w)
        }
      }

      if (obj.bytesPerSecond != null) {
        w.uint32(56)
        w.uint64Number(obj.bytesPerSecond)
      }

      if ((obj.ageMs != null && obj.ageMs !== 0)) {
        w.uint32(64)
        w.uint64Number(obj.ageMs)
      }

      if (obj.uptimeMillionths != null) {
        w.uint32(72)
        w.uint32(obj.uptimeMillionths)
      }

      if (obj.relay != null) {
        w.uint32(82)
        ReportScoreRecord.codec().encode(obj.relay, w)
      }

      if (obj.inference != null) {
        w.uint32(90)
        ReportScoreRecord.codec().encode(obj.inference, w)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        region: '',
        candidate: new Uint8Array(0),
        issuedAtMs: 0,
        lifeMs: 0,
        reachable: false,
        networks: [],
        ageMs: 0
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
            obj.candidate = reader.bytes()
            break
          }
          case 3: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 4: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 5: {
            obj.reachable = reader.bool()
            break
          }
          case 6: {
            if (opts.limits?.networks != null && obj.networks.length === opts.limits.networks) {
              throw new MaxLengthError('Decode error - repeated field "networks" had too many elements')
            }

            obj.networks.push(ElectionNetworkRecord.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.networks$
            }))
            break
          }
          case 7: {
            obj.bytesPerSecond = reader.uint64Number()
            break
          }
          case 8: {
            obj.ageMs = reader.uint64Number()
            break
          }
          case 9: {
            obj.uptimeMillionths = reader.uint32()
            break
          }
          case 10: {
            obj.relay = ReportScoreRecord.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.relay
            })
            break
          }
          case 11: {
            obj.inference = ReportScoreRecord.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.inference
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
    encode: (obj: Partial<SuperNodeReportRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SuperNodeReportRecord>): SuperNodeReportRecord => decodeMessage(buf, codec, opts)
  }
})()

export interface ElectionNetworkRecord {
  small: string
  wide: string
  system: number
}

export const ElectionNetworkRecord = (() => {
  const codec: Pick<Codec<ElectionNetworkRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.small != null && obj.small !== '')) {
        w.uint32(10)
        w.string(obj.small)
      }

      if ((obj.wide != null && obj.wide !== '')) {
        w.uint32(18)
        w.string(obj.wide)
      }

      if ((obj.system != null && obj.system !== 0)) {
        w.uint32(24)
        w.uint32(obj.system)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        small: '',
        wide: '',
        system: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.small = reader.string()
            break
          }
          case 2: {
            obj.wide = reader.string()
            break
          }
          case 3: {
            obj.system = reader.uint32()
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
    encode: (obj: Partial<ElectionNetworkRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ElectionNetworkRecord>): ElectionNetworkRecord => decodeMessage(buf, codec, opts)
  }
})()

export interface ReportScoreRecord {
  millionths: number
  dealings: number
}

export const ReportScoreRecord = (() => {
  const codec: Pick<Codec<ReportScoreRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.millionths != null && obj.millionths !== 0)) {
        w.uint32(8)
        w.uint32(obj.millionths)
      }

      if ((obj.dealings != null && obj.dealings !== 0)) {
        w.uint32(16)
        w.uint32(obj.dealings)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {
        millionths: 0,
        dealings: 0
      }

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.millionths = reader.uint32()
            break
          }
          case 2: {
            obj.dealings = reader.uint32()
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
    encode: (obj: Partial<ReportScoreRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<ReportScoreRecord>): ReportScoreRecord => decodeMessage(buf, codec, opts)
  }
})()
