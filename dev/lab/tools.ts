import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { UserError } from "../../common/errors";
import { shellCommand } from "../../common/shell";
import { pulumiFolder } from "./binaries";
import { namespaceOf } from "./names";
import { namespaceExists } from "./netns";
import { execOnHost, onHost, programFolder } from "./stack";
import { sshFiles } from "./sshKeys";
import { zone } from "./topology";

/** The programs that work in the lab from outside. */
export type LabTool = "pulumi" | "kubectl" | "ssh" | "VBoxManage";

/**
 * Runs a program in the lab, on our own terminal, and gives its exit code.
 * @throws UserError when the lab is not up
 */
export async function runIn(tool: LabTool, args: readonly string[]): Promise<number> {
  if (!namespaceExists(namespaceOf("host")) || !existsSync(programFolder())) {
    throw new UserError("the lab is not up", { hint: "npm run lab" });
  }
  const pulumi = await pulumiFolder(console.error);
  if (tool === "ssh") await writeWorkersHostKeys(pulumi);
  const [file, ...rest] = commandOf(tool, args);
  return onHost(pulumi, file!, rest);
}

/** The workers' host keys are made by the stack, which tells them. */
export async function writeWorkersHostKeys(pulumi: string): Promise<void> {
  const { stdout } = await execOnHost(pulumi, "pulumi", ["stack", "output", "knownHosts"]);
  await writeFile(sshFiles().workersKnownHosts, stdout);
}

/** The command line of a tool on the lab's workstation. */
export function commandOf(tool: LabTool, args: readonly string[]): string[] {
  const ssh = ["ssh", "-F", sshFiles().config];
  if (tool === "kubectl")
    return [
      ...ssh,
      "kube-mast01",
      shellCommand(["sudo", "kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", ...args]),
    ];
  if (tool !== "ssh") return [tool, ...args];
  const [name = "busybox", ...command] = args;
  return [...ssh, isOwn(name) ? name : `${name}.${zone}`, ...command];
}

const isOwn = (name: string) => name === "busybox" || name === "kube-mast01";
