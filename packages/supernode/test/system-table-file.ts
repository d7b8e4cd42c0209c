/** Writes small tables in MaxMind's format (MaxMind DB File Format Specification 2.0): a tree of 24-bit records and a system for each network. */

const METADATA_MARKER = Buffer.from('abcdef4d61784d696e642e636f6d', 'hex')

/** @param systems by network of IPv4, such as `192.0.2.0/24` */
export function systemTableFile (systems: Record<string, number>, { type = 'GeoLite2-ASN', builtSeconds = 1_790_000_000 } = {}): Buffer {
  const data: Buffer[] = []
  let dataBytes = 0
  /** Each node has two: a node by its index, `undefined` for nothing, or what lies at an offset of the data */
  const nodes: Array<[Child, Child]> = [[undefined, undefined]]
  for (const [network, system] of Object.entries(systems)) {
    const record = map([['autonomous_system_number', uint(6, system)], ['autonomous_system_organization', text(`System ${system}`)]])
    insert(nodes, bitsOf(network), { offset: dataBytes })
    data.push(record)
    dataBytes += record.length
  }
  const tree = Buffer.alloc(nodes.length * 6)
  nodes.forEach((children, node) => {
    children.forEach((child, side) => {
      const value = child === undefined ? nodes.length : typeof child === 'number' ? child : nodes.length + 16 + child.offset
      tree.writeUIntBE(value, node * 6 + side * 3, 3)
    })
  })
  const metadata = map([
    ['node_count', uint(6, nodes.length)], ['record_size', uint(5, 24)], ['ip_version', uint(5, 4)], ['database_type', text(type)],
    ['languages', Buffer.from([0x00, 0x04])], ['binary_format_major_version', uint(5, 2)], ['binary_format_minor_version', uint(5, 0)],
    ['build_epoch', uint(9, builtSeconds)], ['description', map([])]
  ])
  return Buffer.concat([tree, Buffer.alloc(16), ...data, METADATA_MARKER, metadata])
}

type Child = number | { offset: number } | undefined

function insert (nodes: Array<[Child, Child]>, bits: number[], leaf: { offset: number }): void {
  let node = 0
  bits.forEach((bit, depth) => {
    const children = nodes[node] as [Child, Child]
    if (depth === bits.length - 1) {
      children[bit] = leaf
      return
    }
    if (typeof children[bit] !== 'number') {
      children[bit] = nodes.push([undefined, undefined]) - 1
    }
    node = children[bit] as number
  })
}

function bitsOf (network: string): number[] {
  const [host = '', length] = network.split('/')
  const bits = host.split('.').flatMap(octet => Number(octet).toString(2).padStart(8, '0').split('').map(Number))
  return bits.slice(0, Number(length))
}

/** Types from 8 on need a byte of their own. */
function control (type: number, size: number): Buffer {
  return type < 8 ? Buffer.from([type << 5 | size]) : Buffer.from([size, type - 7])
}

function uint (type: number, value: number): Buffer {
  const bytes = Buffer.from(value.toString(16).padStart(Math.ceil(value.toString(16).length / 2) * 2, '0'), 'hex')
  return value === 0 ? control(type, 0) : Buffer.concat([control(type, bytes.length), bytes])
}

function text (value: string): Buffer {
  const bytes = Buffer.from(value)
  return bytes.length < 29 ? Buffer.concat([control(2, bytes.length), bytes]) : Buffer.concat([Buffer.from([2 << 5 | 29, bytes.length - 29]), bytes])
}

function map (entries: Array<[string, Buffer]>): Buffer {
  return Buffer.concat([control(7, entries.length), ...entries.flatMap(([key, value]) => [text(key), value])])
}
