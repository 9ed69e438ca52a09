import { UserError } from "../../common/errors";
import type { VBoxManage } from "../vboxManage";
import { wasFinished } from "./owner";

/**
 * @throws UserError where the ISO of other content has a machine that Pulumi's state, which knows no such ISO, may not
 * know either
 */
export async function refuseInUse(vbox: VBoxManage, { name, path }: { name: string; path: string }): Promise<void> {
  const vm = await vbox.showVm(name);
  if (!vm || !(await wasFinished(vbox, vm.uuid))) return;
  throw new UserError(
    `the ISO ${path} has other content, and the machine ${name} (${vm.uuid}) was made from it; nothing was changed`,
    {
      hint: "bring the stack's state back (`pulumi stack import`), or take ISO and machine over (`pulumi config set adopt true`)",
    },
  );
}
