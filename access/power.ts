import { FirstBootFailed } from "../common/firstBootFailed";
import { SshError } from "../ssh/error";
import type { VBoxManage } from "../virtualbox/vboxManage";
import { isPowerless } from "../virtualbox/vm/power";
import type { VmInfo } from "../virtualbox/vmInfo";

/**
 * The failure of a session with a machine's guest; where the machine does not run, with that as its cause.
 * @param wasReady whether its first boot had come to its end before
 */
export async function withPowerState(vbox: VBoxManage, vm: string, error: unknown, wasReady = true): Promise<unknown> {
  if (!(error instanceof SshError) || error.kind !== "unreachable") return error;
  try {
    const info = await vbox.showVm(vm);
    if (info?.condition === "off" && !wasReady) return firstBootCutShort(powerOf(vm, info), error);
    return info?.condition === "running" ? error : withoutPower(powerOf(vm, info), info, error);
  } catch {
    return error; // It says more than that VirtualBox cannot be asked.
  }
}

const powerOf = (vm: string, info: VmInfo | undefined) =>
  info ? `${info.name} is ${info.state}` : `there is no machine ${vm} any more`;

/**
 * What keeps a machine's guest from answering for certain: it has no power, or is gone. Undefined where it may answer,
 * or VirtualBox cannot be asked.
 */
export async function powerProblem(vbox: VBoxManage, vm: string): Promise<string | undefined> {
  try {
    const info = await vbox.showVm(vm);
    return !info || isPowerless(info) ? `VirtualBox says that ${powerOf(vm, info)}` : undefined;
  } catch {
    return undefined;
  }
}

const firstBootCutShort = (state: string, { summary, detail: { output } }: SshError) =>
  new FirstBootFailed(
    `${summary}; VirtualBox says that ${state}, in its first boot, which cloud-init does not repeat`,
    { output, hint: "see why" },
  );

function withoutPower(state: string, info: VmInfo | undefined, { summary, detail: { output } }: SshError): SshError {
  const hint = `see why; \`pulumi up --refresh\` then ${info ? "starts it again" : "recreates it"}`;
  return new SshError("unreachable", `${summary}; VirtualBox says that ${state}`, { output, hint });
}
