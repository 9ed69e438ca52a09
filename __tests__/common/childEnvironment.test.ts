import fc from "fast-check";
import { childEnvironment } from "../../common/childEnvironment";
import { exec } from "../../common/exec";

const secrets = {
  PULUMI_ACCESS_TOKEN: "s",
  PULUMI_CONFIG: "s",
  PULUMI_CONFIG_PASSPHRASE: "s",
  AWS_SECRET_ACCESS_KEY: "s",
  https_proxy: "s",
  SSH_AUTH_SOCK: "s",
  NODE_OPTIONS: "s",
  LD_PRELOAD: "s",
};
const needed = {
  PATH: "1",
  HOME: "2",
  USER: "3",
  LOGNAME: "4",
  TMPDIR: "5",
  LANG: "6",
  LC_CTYPE: "7",
  VBOX_USER_HOME: "8",
  VBOX_IPC_SOCKETID: "9",
  XDG_CONFIG_HOME: "10",
  DBUS_SESSION_BUS_ADDRESS: "11",
  DISPLAY: "12",
  XAUTHORITY: "13",
  WAYLAND_DISPLAY: "14",
};

test.each<NodeJS.Platform>(["linux", "darwin"])(
  "on %s a child gets what VirtualBox needs, and nothing else",
  (platform) => {
    expect(childEnvironment({ ...secrets, ...needed, TEMP: "s", Path: "s" }, [], platform)).toEqual(needed);
  },
);

test("on Windows names have no case, and a child gets what the system needs too", () => {
  const system = {
    Path: "1",
    SystemRoot: "2",
    SystemDrive: "3",
    ComSpec: "4",
    PATHEXT: "5",
    USERPROFILE: "6",
    USERNAME: "7",
    APPDATA: "8",
    LOCALAPPDATA: "9",
    ProgramFiles: "10",
    ProgramData: "11",
    TEMP: "12",
    TMP: "13",
    VBOX_MSI_INSTALL_PATH: "14",
  };
  expect(childEnvironment({ ...secrets, ...system, vbox_user_home: "15" }, [], "win32")).toEqual({
    ...system,
    vbox_user_home: "15",
  });
});

test("names can be added, and a variable without a value is none", () => {
  expect(childEnvironment({ ...secrets, HOME: undefined }, ["AWS_SECRET_ACCESS_KEY"], "linux")).toEqual({
    AWS_SECRET_ACCESS_KEY: "s",
  });
});

test("no other name gets through", () => {
  const other = fc.string({ minLength: 1 }).filter((name) => !(name in needed) && !/^(LC|VBOX|XDG)_/.test(name));
  fc.assert(fc.property(other, (name) => expect(childEnvironment({ [name]: "s" }, [], "linux")).toEqual({})));
});

test("a program that is run gets no more than that", async () => {
  process.env.PULUMI_ACCESS_TOKEN = "a token for the test";
  try {
    expect((await exec("env", [])).stdout).not.toContain("PULUMI_ACCESS_TOKEN");
    expect((await exec("env", [], { env: { PULUMI_ACCESS_TOKEN: "given" } })).stdout).toContain(
      "PULUMI_ACCESS_TOKEN=given",
    );
  } finally {
    delete process.env.PULUMI_ACCESS_TOKEN;
  }
});
