/** The protocol ids of Skein and their versions, defined once. */
export const PROTOCOLS = {
  /** kad-dht, under a private prefix: foreign nodes on a shared one cost most of the connections */
  kad: '/skein/kad/1.0.0',
  /** Register with a seed, ask it for peers */
  seed: '/skein/seed/1.0.0',
  /** Offers, answers and candidates of connections to be made, passed on by seeds */
  signal: '/skein/signal/1.0.0',
  /** Store and find signed offers */
  routing: '/skein/routing/1.0.0',
  /** Signed peer records, exchanged */
  pex: '/skein/pex/1.0.0',
  /** Network coordinates, and what neighbours say of their clusters */
  coordinates: '/skein/coordinates/1.0.0',
  /** Members, leases, loads and digests of clusters */
  clusters: '/skein/clusters/1.0.0',
  /** One inference request and its answer */
  inference: '/skein/inference/1.0.0',
  /** Receipts, countersigned */
  receipt: '/skein/receipt/1.0.0',
  /** Whether a peer can be reached, and how fast, dialled back by others */
  dialBack: '/skein/dial-back/1.0.0',
  /** How two peers behind a relay come to reach each other directly */
  punch: '/skein/punch/1.0.0',
  /** The signals of a WebRTC connection */
  webrtc: '/skein/webrtc/1.0.0',
  /** Challenges that measure what a peer can do */
  check: '/skein/check/1.0.0',
  /** What a player gets of a media relay */
  media: '/skein/media/1.0.0',
  /** Leases of super-nodes: who holds a seat, and slots that a lease fences */
  lease: '/skein/lease/1.0.0'
} as const
