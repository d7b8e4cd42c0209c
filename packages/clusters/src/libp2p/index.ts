/** The drivers of clusters over libp2p. */
export {}
