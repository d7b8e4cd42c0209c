/** Churn for a simulated world: its nodes crash and restart as devices do that come and go. */
import { DeviceChurn } from './churn.ts'
import type { ChurnModel } from './churn.ts'
import type { SimWorld } from './sim-world.ts'

export interface WorldChurn {
  startsUp: (node: number) => boolean
  begin: (world: SimWorld<any, any>) => void
}

/**
 * Which nodes are up at the start, for `startsUp` of a world, and the comings and goings after that: call `begin` before the world runs.
 *
 * @param churns which nodes come and go at all; the others are always up. Default: all
 */
export function createWorldChurn (seed: number, model: ChurnModel, churns: (node: number) => boolean = () => true): WorldChurn {
  const churn = new DeviceChurn(seed, model)
  const startsUp = (node: number): boolean => !churns(node) || churn.startsOnline(node)
  return {
    startsUp,
    begin: world => {
      for (const { index } of world.nodes) {
        if (!churns(index) || !world.owns(index)) {
          continue
        }
        let atMs = churn.firstMs(index)
        let session = 0
        let up = startsUp(index)
        const change = (): void => {
          up = !up
          if (up) {
            world.start(index)
          } else {
            world.crash(index)
          }
          atMs += churn.lengthMs(index, session++, up)
          world.at(atMs, index, change)
        }
        world.at(atMs, index, change)
      }
    }
  }
}
