import type { Context } from "../../providers/dynamic";
import { Rolling } from "../../providers/rolling";

/** A provider's context that keeps what was logged. */
export function testContext(): Context & { lines: string[] } {
  const lines: string[] = [];
  return { lines, log: (line) => void lines.push(line), rolling: new Rolling() };
}
