// Generated from lease.proto by `node scripts/protobuf.mjs packages/records/src/pb/lease.proto`. Do not edit.
import { decodeMessage, encodeMessage, MaxLengthError } from 'protons-runtime'
import type { Codec, DecodeOptions } from 'protons-runtime'
import type { Uint8ArrayList } from 'uint8arraylist'

export interface SuperNodeLeaseRecord {
  region: string
  term: number
  fence: number
  issuedAtMs: number
  lifeMs: number
  roles: string[]
  addresses: Uint8Array<ArrayBuffer>[]
  networks: LeaseNetworkRecord[]
  quota?: LeaseQuotaRecord
  withdrawn: boolean
}

export const SuperNodeLeaseRecord = (() => {
  const codec: Pick<Codec<SuperNodeLeaseRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if ((obj.region != null && obj.region !== '')) {
        w.uint32(10)
        w.string(obj.region)
      }

      if ((obj.term != null && obj.term !== 0)) {
        w.uint32(16)
        w.uint64Number(obj.term)
      }

      if ((obj.fence != null && obj.fence !== 0)) {
        w.uint32(24)
        w.uint64Number(obj.fence)
      }

      if ((obj.issuedAtMs != null && obj.issuedAtMs !== 0)) {
        w.uint32(32)
        w.uint64Number(obj.issuedAtMs)
      }

      if ((obj.lifeMs != null && obj.lifeMs !== 0)) {
        w.uint32(40)
        w.uint32(obj.lifeMs)
      }

      if (obj.roles != null && obj.roles.length > 0) {
        for (const value of obj.roles) {
          w.uint32(50)
          w.string(value)
        }
      }

      if (obj.addresses != null && obj.addresses.length > 0) {
        for (const value of obj.addresses) {
          w.uint32(58)
          w.bytes(value)
        }
      }

      if (obj.networks != null && obj.networks.length > 0) {
        for (const value of obj.networks) {
          w.uint32(66)
          LeaseNetworkRecord.codec().encode(value, w)
        }
      }

      if (obj.quota != null) {
        w.uint32(74)
        LeaseQuotaRecord.codec().encode(obj.quota, w)
      }

      if ((obj.withdrawn != null && obj.withdrawn !== false)) {
        w.uint32(80)
        w.bool(obj.withdrawn)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length, opts = {}) {
      const obj: any = {
        region: '',
        term: 0,
        fence: 0,
        issuedAtMs: 0,
        lifeMs: 0,
        roles: [],
        addresses: [],
        networks: [],
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
            obj.term = reader.uint64Number()
            break
          }
          case 3: {
            obj.fence = reader.uint64Number()
            break
          }
          case 4: {
            obj.issuedAtMs = reader.uint64Number()
            break
          }
          case 5: {
            obj.lifeMs = reader.uint32()
            break
          }
          case 6: {
            if (opts.limits?.roles != null && obj.roles.length === opts.limits.roles) {
              throw new MaxLengthError('Decode error - repeated field "roles" had too many elements')
            }

            obj.roles.push(reader.string())
            break
          }
          case 7: {
            if (opts.limits?.addresses != null && obj.addresses.length === opts.limits.addresses) {
              throw new MaxLengthError('Decode error - repeated field "addresses" had too many elements')
            }

            obj.addresses.push(reader.bytes())
            break
          }
          case 8: {
            if (opts.limits?.networks != null && obj.networks.length === opts.limits.networks) {
              throw new MaxLengthError('Decode error - repeated field "networks" had too many elements')
            }

            obj.networks.push(LeaseNetworkRecord.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.networks$
            }))
            break
          }
          case 9: {
            obj.quota = LeaseQuotaRecord.codec().decode(reader, reader.uint32(), {
              limits: opts.limits?.quota
            })
            break
          }
          case 10: {
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
    encode: (obj: Partial<SuperNodeLeaseRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<SuperNodeLeaseRecord>): SuperNodeLeaseRecord => decodeMessage(buf, codec, opts)
  }
})()

export interface LeaseNetworkRecord {
  small: string
  wide: string
  system: number
}

export const LeaseNetworkRecord = (() => {
  const codec: Pick<Codec<LeaseNetworkRecord>, 'encode' | 'decode'> = {
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
    encode: (obj: Partial<LeaseNetworkRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LeaseNetworkRecord>): LeaseNetworkRecord => decodeMessage(buf, codec, opts)
  }
})()

export interface LeaseQuotaRecord {
  bytesToday?: number
  bytesThisMonth?: number
  bytesPerSecond?: number
  reservations?: number
  circuits?: number
}

export const LeaseQuotaRecord = (() => {
  const codec: Pick<Codec<LeaseQuotaRecord>, 'encode' | 'decode'> = {
    encode (obj, w, opts = {}) {
      if (opts.lengthDelimited !== false) {
        w.fork()
      }

      if (obj.bytesToday != null) {
        w.uint32(8)
        w.uint64Number(obj.bytesToday)
      }

      if (obj.bytesThisMonth != null) {
        w.uint32(16)
        w.uint64Number(obj.bytesThisMonth)
      }

      if (obj.bytesPerSecond != null) {
        w.uint32(24)
        w.uint64Number(obj.bytesPerSecond)
      }

      if (obj.reservations != null) {
        w.uint32(32)
        w.uint32(obj.reservations)
      }

      if (obj.circuits != null) {
        w.uint32(40)
        w.uint32(obj.circuits)
      }

      if (opts.lengthDelimited !== false) {
        w.ldelim()
      }
    },

    decode (reader, length) {
      const obj: any = {}

      const end = length == null ? reader.len : reader.pos + length

      while (reader.pos < end) {
        const tag = reader.uint32()

        switch (tag >>> 3) {
          case 1: {
            obj.bytesToday = reader.uint64Number()
            break
          }
          case 2: {
            obj.bytesThisMonth = reader.uint64Number()
            break
          }
          case 3: {
            obj.bytesPerSecond = reader.uint64Number()
            break
          }
          case 4: {
            obj.reservations = reader.uint32()
            break
          }
          case 5: {
            obj.circuits = reader.uint32()
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
    encode: (obj: Partial<LeaseQuotaRecord>): Uint8Array<ArrayBuffer> => encodeMessage(obj, codec),
    decode: (buf: Uint8Array | Uint8ArrayList, opts?: DecodeOptions<LeaseQuotaRecord>): LeaseQuotaRecord => decodeMessage(buf, codec, opts)
  }
})()
