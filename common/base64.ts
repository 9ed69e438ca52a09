/** Whether this is a whole text in base64: one that is cut short has another encoding, as a rule. */
export const isWholeBase64 = (text: string) => Buffer.from(text, "base64").toString("base64") === text;
