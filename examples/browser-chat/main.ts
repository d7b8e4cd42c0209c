/** `npm start`: a mesh of one's own, and the page that joins it. */
import { startHost } from './host.ts'

const host = await startHost({ port: Number(process.env.PORT ?? 8080) })
console.log(`open ${host.url} (in two tabs, say: one serves, the other calls)`)
process.once('SIGINT', () => { void host.stop() })
process.once('SIGTERM', () => { void host.stop() })
