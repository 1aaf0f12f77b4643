// Files that exist to test scanners.

rule eicar_test_file
{
    meta:
        severity = "critical"
        description = "The EICAR anti-malware test file"
        reference = "https://www.eicar.org/download-anti-malware-testfile/"
    strings:
        // With a choice in it, so that neither this file nor a program that holds the rule is taken for the
        // test file itself.
        $file = /X5O!P%@AP\[4\\PZX54\(P\^\)7CC\)7\}\$EICAR[-\x00]STANDARD-ANTIVIRUS-TEST-FILE!\$H\+H\*/
    condition:
        $file
}
