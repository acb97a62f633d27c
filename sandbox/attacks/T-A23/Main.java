import java.util.ArrayList;
import java.util.List;

public class Main {
    public static void main(String[] args) {
        List<byte[]> all = new ArrayList<>();
        while (true) {
            byte[] part = new byte[1 << 20];
            java.util.Arrays.fill(part, (byte) 1);
            all.add(part);
        }
    }
}
