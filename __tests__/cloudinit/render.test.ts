import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { render, type RenderOptions } from "../../cloudinit/render";
import { parseYaml } from "../../cloudinit/yaml";
import { filesOf, ourTemplates, renderOptions, someHostKey, userDataOf } from "../support/cloudInit";

const rendered = (given: Partial<RenderOptions> = {}) => render(renderOptions(given), someHostKey);

test("user-data begins as cloud-init wants it", () => {
  expect(rendered().files["user-data"]).toMatch(/^#cloud-config\n/);
});

test("names the machine and its user", () => {
  const options = renderOptions();
  expect(userDataOf(options)).toMatchObject({
    hostname: "kube-node01",
    fqdn: "kube-node01.kube.demo",
    manage_etc_hosts: true,
    locale: "en_US.UTF-8",
    timezone: "UTC",
    disable_root: true,
    ssh_pwauth: false,
    users: [
      {
        name: "debian",
        sudo: ["ALL=(ALL) NOPASSWD:ALL"],
        lock_passwd: true,
        ssh_authorized_keys: [options.sshPublicKey],
      },
    ],
  });
});

test("gives the machine its one host key", () => {
  expect(userDataOf(renderOptions())).toMatchObject({
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: someHostKey.hostPrivateKey, ed25519_public: someHostKey.hostPublicKey },
  });
});

test("notes the first boot before anything else", () => {
  const [first] = userDataOf(renderOptions())["bootcmd"] as string[][];
  const [source, target] = ["/proc/sys/kernel/random/boot_id", "/var/lib/cloud/instance/first-boot-id"];
  expect(first).toEqual(["cloud-init-per", "instance", "first-boot-id", "cp", source, target]);
});

test("prepares the kernel", () => {
  const files = filesOf(userDataOf(renderOptions()));
  expect(files["/etc/modules-load.d/kubernetes.conf"]).toBe("overlay\nbr_netfilter\n");
  for (const line of [
    "net.ipv4.ip_forward = 1",
    "net.bridge.bridge-nf-call-iptables = 1",
    "net.bridge.bridge-nf-call-arptables = 1",
  ]) {
    expect(files["/etc/sysctl.d/90-kubernetes.conf"]).toContain(line);
  }
});

test("version 0.1.0's templates are rendered to the bytes of that version", () => {
  const userData = readFileSync(join(__dirname, "recordings/user-data-0.1.0.yaml"), "utf8");
  const options = {
    userData,
    macAddresses: ["080027A1B2C3", "080027A1B2C4"],
    networkConfig: "version: 2\nethernets: ${ethernets}\n",
  };
  expect(rendered(options).instanceId).toBe("kube-node01-deb7126fd526c9ff");
});

test("the steps end at the first that fails, and only the last says that all went well", () => {
  const { runcmd } = userDataOf(renderOptions());
  expect(runcmd[0]).toBe("set -eu");
  expect(runcmd.at(-1)).toEqual(["touch", "/var/lib/cloud/instance/installed"]);
  expect(runcmd.slice(1).every(Array.isArray)).toBe(true);
});

test("reboots only when all was installed", () => {
  expect(userDataOf(renderOptions())["power_state"]).toMatchObject({
    mode: "reboot",
    condition: ["test", "-e", "/var/lib/cloud/instance/installed"],
  });
  expect(rendered().reboots).toBe(true);
  const without = renderOptions({}, { reboot: false });
  expect(userDataOf(without)["power_state"]).toBeUndefined();
  expect(render(without, someHostKey).reboots).toBe(false);
});

test("installs Kubernetes of the version from its repository", () => {
  const repository = "https://pkgs.k8s.io/core:/stable:/v1.36/deb/";
  const step = ["/usr/local/sbin/install-kubernetes", "1.36.3", repository, `${repository}Release.key`, "D".repeat(40)];
  expect(userDataOf(renderOptions()).runcmd).toContainEqual(step);
  const own = userDataOf(renderOptions({ kubernetesRepository: "http://mirror/k8s", kubernetesVersion: "1.35.1" }));
  expect(own.runcmd).toContainEqual([step[0], "1.35.1", "http://mirror/k8s", "http://mirror/k8s/Release.key", step[4]]);
});

test.each(["debian", "ubuntu"] as const)("%s takes containerd from Docker's repository for it", (distro) => {
  const repository = `https://download.docker.com/linux/${distro}`;
  const step = ["/usr/local/sbin/install-containerd", "containerd.io", repository, `${repository}/gpg`, "E".repeat(40)];
  expect(userDataOf(renderOptions({ distro })).runcmd).toContainEqual(step);
});

test("docker has a systemd driver, bounded logs and a checked cri-dockerd", () => {
  const cri = { criDockerdUrl: "https://example.org/cri-dockerd.deb", criDockerdSha256: "a".repeat(64) };
  const userData = userDataOf(renderOptions(cri, { containerRuntime: "docker" }));
  expect(JSON.parse(filesOf(userData)["/etc/docker/daemon.json"]!)).toEqual({
    "exec-opts": ["native.cgroupdriver=systemd"],
    "log-driver": "json-file",
    "log-opts": { "max-size": "100m" },
    "storage-driver": "overlay2",
  });
  expect(userData.runcmd).toContainEqual([
    "/usr/local/sbin/install-cri-dockerd",
    cri.criDockerdUrl,
    cri.criDockerdSha256,
    "",
  ]);
  expect(JSON.stringify(userData.runcmd)).not.toContain("install-containerd");
});

test("trusts a certification authority, and takes packages from a mirror, only when given", () => {
  const plain = userDataOf(renderOptions());
  expect(plain["apt"]).toBeUndefined();
  expect(filesOf(plain)).not.toHaveProperty("/etc/ssh/ca.pub");
  const given = userDataOf(
    renderOptions(
      { sshCaPublicKey: "ssh-ed25519 CA", debianMirror: "http://mirror/debian" },
      { sshCa: true, mirror: true },
    ),
  );
  expect(given["apt"]).toMatchObject({ primary: [{ arches: ["default"], uri: "http://mirror/debian" }] });
  expect(filesOf(given)).toMatchObject({
    "/etc/ssh/ca.pub": "ssh-ed25519 CA\n",
    "/etc/ssh/sshd_config.d/50-user-ca.conf": "TrustedUserCAKeys /etc/ssh/ca.pub\n",
  });
});

test.each([true, false])("packageUpgrade: %s", (packageUpgrade) => {
  expect(userDataOf(renderOptions({ packageUpgrade }))).toMatchObject({
    runcmd: expect.arrayContaining([["/usr/local/sbin/upgrade-packages", `wanted=${packageUpgrade}`]]),
  });
});

test("matches each NIC by its MAC address, and only the first gives routes", () => {
  const { files } = rendered({ macAddresses: ["080027A1B2C3", "080027000001"] });
  expect(parseYaml(files["network-config"], "network-config")).toEqual({
    version: 2,
    ethernets: {
      nic1: { match: { macaddress: "08:00:27:a1:b2:c3" }, dhcp4: true, "dhcp-identifier": "mac" },
      nic2: {
        match: { macaddress: "08:00:27:00:00:01" },
        dhcp4: true,
        "dhcp-identifier": "mac",
        "dhcp4-overrides": { "use-routes": false },
        optional: true,
      },
    },
  });
});

test("the instance is another when anything is, and the same when nothing is", () => {
  const { instanceId, files } = rendered();
  expect(instanceId).toMatch(/^kube-node01-[0-9a-f]{16}$/);
  expect(parseYaml(files["meta-data"], "meta-data")).toEqual({
    "instance-id": instanceId,
    "local-hostname": "kube-node01",
  });
  expect(rendered().instanceId).toBe(instanceId);
  expect(rendered({ timezone: "Europe/Vienna" }).instanceId).not.toBe(instanceId);
  expect(rendered({ macAddresses: ["080027A1B2C4"] }).instanceId).not.toBe(instanceId);
  expect(rendered({ metaData: "{instance-id: '${instanceId}', extra: 1}" }).instanceId).not.toBe(instanceId);
  expect(render(renderOptions(), { ...someHostKey, hostPublicKey: "other" }).instanceId).not.toBe(instanceId);
});

test("refuses meta-data that stays the same whatever changes", () => {
  expect(() => rendered({ metaData: "instance-id: fixed" })).toThrow("→ give it the line instance-id: ${instanceId}");
});

test("fills in the user's own values, as data, and names the key of one that was not given", () => {
  const userData = "chpasswd: {list: ['debian:${userDataValues.password}']}\n";
  const { files } = rendered({ userData, userDataValues: { password: "a: [\n#", other: "unused" } });
  expect(parseYaml(files["user-data"], "user-data")).toEqual({ chpasswd: { list: ["debian:a: [\n#"] } });
  expect(() => rendered({ userData })).toThrow(
    "userDataValues.password: the user-data template has ${userDataValues.password}, which was not given\n→ pulumi config set --secret --path userDataValues.password VALUE",
  );
  expect(rendered({ userDataValues: { other: "unused" } }).instanceId).toBe(rendered().instanceId);
});

test("says which template asks for what was not given", () => {
  expect(() => rendered({ userData: "uri: ${debianMirror}" })).toThrow("user-data: ${debianMirror} has no value");
});

describe("a template of one's own", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "templates-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test("takes the place of ours", () => {
    const userData = file("user.yaml", "# mine\nhostname: ${name}\npower_state: {mode: poweroff}\n");
    const networkConfig = file(
      "network.yaml",
      "{version: 2, ethernets: {lan: {match: {macaddress: '${mac1}'}, addresses: [192.0.2.1/24]}}}",
    );
    const { files, reboots } = rendered(ourTemplates({ userData, networkConfig }));
    expect(parseYaml(files["user-data"], "user-data")).toMatchObject({
      hostname: "kube-node01",
      power_state: { mode: "poweroff" },
    });
    expect(files["network-config"]).toContain("macaddress: 08:00:27:a1:b2:c3");
    expect(reboots).toBe(false);
  });

  test("has the first boot's id and the mark of its end in it all the same, around its own steps", () => {
    const userData = file("user.yaml", "bootcmd: [[mine, early]]\nruncmd: [[mine]]\n");
    expect(userDataOf(renderOptions(ourTemplates({ userData })))).toEqual({
      bootcmd: [["mine", "early"], expect.arrayContaining(["/var/lib/cloud/instance/first-boot-id"])],
      runcmd: [["mine"], ["sync"], ["touch", "/var/lib/cloud/instance/installed"]],
    });
    expect(() => ourTemplates({ userData: file("user.yaml", "runcmd: apt-get update\n") })).toThrow(
      "runcmd in the template",
    );
  });

  test("an edited comment is no change", () => {
    const before = ourTemplates({ userData: file("user.yaml", "# one\na:   1\n") });
    expect(ourTemplates({ userData: file("user.yaml", "# two\na: 1\n") })).toEqual(before);
  });

  test("is named when it cannot be read or is no map", () => {
    expect(() => ourTemplates({ userData: join(folder, "none.yaml") })).toThrow(
      `the template ${folder}/none.yaml cannot be read`,
    );
    expect(() => ourTemplates({ metaData: file("list.yaml", "- a") })).toThrow(
      `the template ${folder}/list.yaml is not a YAML map`,
    );
    expect(() => ourTemplates({ metaData: file("bad.yaml", "a: [") })).toThrow(`${folder}/bad.yaml is not YAML`);
  });
});

test.each([
  ["http://mirror/debian", "http://mirror/debian-security"],
  ["http://mirror/debian/", "http://mirror/debian-security"],
  ["http://mirror/ubuntu", "http://mirror/ubuntu"],
])("the security updates of %s come from %s", (debianMirror, security) => {
  const { apt } = userDataOf(renderOptions({ debianMirror }, { mirror: true }));
  expect(apt).toEqual({
    preserve_sources_list: false,
    primary: [{ arches: ["default"], uri: debianMirror }],
    security: [{ arches: ["default"], uri: security }],
  });
});
