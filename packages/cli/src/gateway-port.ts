/** Where the OpenAI endpoint of this machine is. */
export const GATEWAY_PORT = 8899
