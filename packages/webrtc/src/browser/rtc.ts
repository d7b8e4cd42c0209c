/** A browser's own WebRTC. */

export async function newPeerConnection (configuration: RTCConfiguration): Promise<RTCPeerConnection> {
  return new RTCPeerConnection(configuration)
}
