import { load } from "js-yaml";
import { z } from "zod";

const staticPod = z.object({
  spec: z.object({ containers: z.array(z.object({ command: z.array(z.string()).min(1) })).length(1) }),
});

/**
 * The command that a static pod's manifest, as kubeadm writes it, would have the kubelet run.
 * @returns program and arguments
 */
export function staticPodCommand(manifest: string): [program: string, ...args: string[]] {
  const { command } = staticPod.parse(load(manifest)).spec.containers[0]!;
  return command as [string, ...string[]];
}
