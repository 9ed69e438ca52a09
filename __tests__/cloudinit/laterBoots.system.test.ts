import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateHostKey } from "../../cloudinit/hostKey";
import { EVERY_BOOT, laterBootsIn, renderLater } from "../../cloudinit/laterBoots";
import { render } from "../../cloudinit/render";
import { parseYaml } from "../../cloudinit/yaml";
import { ourTemplates, renderOptions } from "../support/cloudInit";
import { inGuest } from "../support/guestRoot";

jest.setTimeout(120_000);

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "later-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Options with user-data of one's own. */
function own(userData: string, userDataValues: Record<string, string> = {}) {
  const file = join(folder, "own.yaml");
  writeFileSync(file, userData);
  return renderOptions({ ...ourTemplates({ userData: file }), userDataValues });
}

const key = generateHostKey();
const [first, later] = [
  render(renderOptions(), key),
  renderLater(renderOptions(), key.hostPublicKey, render(renderOptions(), key).instanceId),
];

test("later boots have what cloud-init looks at in each of them, of the same instance", () => {
  expect(Object.keys(parseYaml(later["user-data"], "user-data") as object)).toEqual([
    "hostname",
    "fqdn",
    "prefer_fqdn_over_hostname",
    "manage_etc_hosts",
    "bootcmd",
  ]);
  expect({ ...later, "user-data": "" }).toEqual({ ...first.files, "user-data": "" });
  expect(laterBootsIn(later["user-data"] + "\0" + later["meta-data"])).toEqual({
    hostPublicKey: key.hostPublicKey,
    instanceId: first.instanceId,
  });
  expect(laterBootsIn(first.files["user-data"] + "\0" + first.files["meta-data"])).toBeUndefined();
});

test("nothing has the private key, wherever a template of one's own has it, nor what was for the first boot alone", () => {
  const template =
    "bootcmd:\n- [a, '${userDataValues.each}']\nwrite_files:\n- {path: /a, content: 'x ${hostPrivateKey}'}\nchpasswd: {list: 'root:${userDataValues.once}'}\nusers: [{name: a, passwd: literal}]\n";
  const options = own(template, { each: "inEachBoot", once: "inTheFirst" });
  const text = renderLater(options, key.hostPublicKey, "i-1")["user-data"];
  expect(text).toContain("inEachBoot");
  expect(text).not.toMatch(/PRIVATE KEY|inTheFirst|literal/);
  expect(
    renderLater(own("bootcmd:\n- [echo, '${hostPrivateKey}']\n"), key.hostPublicKey, "i-1")["user-data"],
  ).not.toContain("bootcmd");
});

/** The lines about the host key, and the files that have its private half. */
function parted(text: string): [keys: string[], holders: string[]] {
  const lines = text.trim().split("\n");
  return [lines.slice(0, -1), lines.at(-1)!.split(" ")];
}

test("the real cloud-init repeats nothing: the host key stays, byte by byte, and goes from what it keeps of the user-data", async () => {
  const seed = (files: Record<string, string>, folder: string) =>
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`${folder}/${name}`, text]));
  const boot =
    "rm -rf /run/cloud-init; cloud-init init; cloud-init modules --mode config; cloud-init modules --mode final";
  const kept =
    "cat /etc/ssh/ssh_host_*; ls /etc/ssh; echo $(grep -rl 'PRIVATE KEY' /var/lib/cloud/ | sed 's/.*cloud.instances.[^/]*.//')";
  const { stdout } = await inGuest(
    `set +e
    ( ${boot} ) >/dev/null 2>&1; ${kept}; echo ====
    # A disc is read in every boot; of a seed in a folder, only the instance id is, unless the cache is gone.
    cp /later/* /var/lib/cloud/seed/nocloud/; rm /var/lib/cloud/instance/obj.pkl
    ( ${boot} ) >/dev/null 2>&1; ${kept}; echo ====
    cloud-init status --format json; cloud-init query instance_id; ls -d /var/lib/cloud/instances/*
    python3 - <<'END'
import importlib, pkgutil, cloudinit.config
names = [m.name for m in pkgutil.iter_modules(cloudinit.config.__path__) if m.name.startswith("cc_")]
print(*[name for name in names if importlib.import_module("cloudinit.config." + name).meta["frequency"] == "always"])
END`,
    {
      ...seed(first.files, "/var/lib/cloud/seed/nocloud"),
      ...seed(later, "/later"),
      // No module that changes what this test's host has in common with the guest, such as the host name.
      "/etc/cloud/cloud.cfg.d/99.cfg": `datasource_list: [NoCloud]
network: {config: disabled}
cloud_init_modules: [bootcmd, users_groups, ssh]
cloud_config_modules: []
cloud_final_modules: []
`,
    },
  );
  const [before, after, rest] = stdout.split("====\n");
  expect(before).toContain(key.hostPrivateKey);
  expect(before!.match(/ssh_host_\S+/g)).toEqual(["ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"]);
  const [[keys, holders], [keysAfter, holdersAfter]] = [parted(before!), parted(after!)];
  expect(keysAfter).toEqual(keys);
  expect(holders.sort()).toEqual([
    "/var/lib/cloud/seed/nocloud/user-data",
    "cloud-config.txt",
    "obj.pkl",
    "user-data.txt",
    "user-data.txt.i",
  ]);
  // It was written with the configuration of the boot before.
  expect(holdersAfter).toEqual(["obj.pkl"]);
  expect(rest).toContain(first.instanceId);
  expect(rest!.match(/\/var\/lib\/cloud\/instances\//g)).toHaveLength(1);
  // Which modules run in every boot; of the keys of chef and zypper nothing is kept.
  expect(rest!.trim().split("\n").at(-1)).toBe(
    "cc_bootcmd cc_chef cc_disable_ec2_metadata cc_final_message cc_growpart cc_resizefs cc_scripts_per_boot cc_update_etc_hosts cc_update_hostname cc_zypper_add_repo",
  );
  for (const kept of ["bootcmd", "final_message", "growpart", "hostname"]) expect(EVERY_BOOT).toContain(kept);
});
